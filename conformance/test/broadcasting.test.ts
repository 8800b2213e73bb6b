import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileOffsetStore, type PushConsumer } from '@dt/rocketmq-client';
import { eventually, uniqueName } from '@dt/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { createTopic, Received, startAdmin, startConsumer, startProducer } from './support.ts';

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i));

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'offsets-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test('every member of a broadcasting group gets all messages, and goes on where it stopped', async () => {
  const topic = await createTopic(4);
  const group = uniqueName('group');
  const folder = await temporaryFolder();
  const producer = await startProducer();
  const send = async (from: number, to: number): Promise<void> => {
    const outcomes = await producer.sendBatch(
      numbers(from, to).map((body) => ({ topic, shardingKey: `key-${body}`, body })),
    );
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
  };
  const enter = async (name: string, received: Received): Promise<PushConsumer> =>
    startConsumer({
      ...{ group, subscriptions: [{ topic, expression: '*' }], handler: received.handler },
      ...{ model: 'broadcasting', offsetStore: await fileOffsetStore(join(folder, name)) },
    });
  const one = new Received();
  const two = new Received();
  const first = await enter('one', one);
  const second = await enter('two', two);
  await send(0, 80);
  for (const received of [one, two]) {
    await eventually(() => received.messages.length >= 80);
    expect(received.bodies.sort()).toEqual(numbers(0, 80).sort());
    expect(received.queueIds).toEqual([0, 1, 2, 3]);
  }
  expect([first.queues.length, second.queues.length]).toEqual([4, 4]);
  const admin = await startAdmin();
  const online = await admin.consumerConnections(group);
  expect([online?.messageModel, online?.connections.length]).toEqual(['BROADCASTING', 2]);

  // One is away for a while; the other notices nothing.
  await first.close();
  await send(80, 160);
  await eventually(() => two.messages.length >= 160);
  const again = new Received();
  await enter('one', again);
  await send(160, 200);
  await eventually(() => again.messages.length >= 120 && two.messages.length >= 200);
  expect(again.bodies.sort()).toEqual(numbers(80, 200).sort());
  expect(two.bodies.sort()).toEqual(numbers(0, 200).sort());
  // The brokers keep nothing for such a group.
  const stats = await admin.consumeStats(group, topic);
  expect(stats.queues.every(({ consumerOffset }) => consumerOffset <= 0)).toBe(true);
});

test('a message that no try could handle is passed by, a damaged file of offsets is not', async () => {
  const topic = await createTopic(1);
  const path = join(await temporaryFolder(), 'offsets.json');
  const producer = await startProducer();
  for (const body of ['good', 'bad', 'better']) await producer.send({ topic, body });
  const done: string[] = [];
  const attempts: number[] = [];
  const consumer = await startConsumer({
    ...{ subscriptions: [{ topic, expression: '*' }], batchSize: 1, maxReconsumeTimes: 2, suspendMs: 20 },
    ...{ model: 'broadcasting', offsetStore: await fileOffsetStore(path) },
    handler: async ([message], { attempt }) => {
      const body = String(message?.body);
      if (body === 'bad') {
        attempts.push(attempt);
        throw new Error('never');
      }
      done.push(body);
    },
  });
  await eventually(() => done.length === 2);
  await consumer.close();
  expect([done, attempts]).toEqual([
    ['good', 'better'],
    [1, 2, 3],
  ]);

  const text = await readFile(path, 'utf8');
  expect(JSON.parse(text)).toEqual({
    version: 1,
    offsets: [{ topic, brokerName: 'broker-a', queueId: 0, offset: 3 }],
  });
  const damaged = text.slice(0, -10);
  await writeFile(path, damaged);
  await expect(fileOffsetStore(path)).rejects.toMatchObject({ code: 'offset-store-failed' });
  expect(await readFile(path, 'utf8')).toBe(damaged);
});
