import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { eventually, protocol, uniqueName } from '@dt/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createTopic, Received, startAdmin, startConsumer, startProducer } from './support.ts';

const { PULL_MESSAGE, UPDATE_CONSUMER_OFFSET, UNLOCK_BATCH_MQ, UNREGISTER_CLIENT } = protocol.RequestCode;

/** Holds up whoever waits until it is opened. */
function barrier(): { wait: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const wait = new Promise<void>((resolve) => (open = resolve));
  return { wait, open };
}

async function send(topic: string, count: number, body = (n: number): string => `${n}`): Promise<void> {
  const producer = await startProducer();
  const outcomes = await producer.sendBatch(
    Array.from({ length: count }, (_, n) => ({ topic, shardingKey: `${n}`, body: body(n) })),
  );
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
}

test('so many handler calls run at a time, over all queues, and no more', async () => {
  const topic = await createTopic(8);
  await send(topic, 200);
  const received = new Received();
  const gate = barrier();
  let running = 0;
  let most = 0;
  await startConsumer({
    ...{ subscriptions: [{ topic, expression: '*' }], concurrency: 3, batchSize: 1 },
    handler: async (messages) => {
      most = Math.max(most, ++running);
      await gate.wait;
      running--;
      await received.handler(messages);
    },
  });
  await eventually(() => running === 3, { timeoutMs: 20_000 });
  gate.open();
  await eventually(() => received.messages.length === 200, { timeoutMs: 20_000 });
  expect(most).toBe(3);
});

describe('of a queue no more is held', () => {
  test.each([
    ['messages than it is told', { maxCachedMessages: 10, pullBatchSize: 8 }, 17],
    ['bytes than it is told', { maxCachedBytes: 5000, pullBatchSize: 1 }, 5],
  ])('%s, and all come in the end', async (_, limits, most) => {
    const topic = await createTopic(1);
    await send(topic, 100, (n) => `${n}`.padEnd(1000));
    const group = uniqueName('group');
    const received = new Received();
    const gate = barrier();
    const consumer = await startConsumer({
      ...{ group, subscriptions: [{ topic, expression: '*' }], ...limits, batchSize: 1 },
      handler: async (messages) => {
        await gate.wait;
        await received.handler(messages);
      },
    });
    const admin = await startAdmin();
    const held = async (): Promise<number> => {
      const { queues } = await admin.consumerRunningInfo(group, consumer.clientId);
      return queues.find(({ queue }) => queue.topic === topic)?.cachedMessages ?? 0;
    };
    await eventually(async () => (await held()) >= Math.min(most, 5), { timeoutMs: 20_000 });
    // Nothing more comes while nothing is done.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await held()).toBeLessThanOrEqual(most);
    gate.open();
    await eventually(() => received.messages.length === 100, { timeoutMs: 20_000 });
    expect(received.messages.map(({ queueOffset }) => queueOffset)).toEqual(
      Array.from({ length: 100 }, (__, n) => n),
    );
  });
});

test('a handler call that takes too long is told so, its queue goes on, and its message comes again', async () => {
  const topic = await createTopic(1);
  await send(topic, 2);
  const calls: string[] = [];
  let fired = 0;
  await startConsumer({
    ...{ subscriptions: [{ topic, expression: '*' }], batchSize: 1, consumeTimeoutMs: 300 },
    handler: async ([message], { signal }) => {
      const text = message?.body.toString() ?? '';
      calls.push(`${text} ${message?.reconsumeTimes}`);
      if (text !== '0' || message?.reconsumeTimes !== 0) return;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      fired++;
    },
  });
  await eventually(() => calls.includes('0 1'), { timeoutMs: 40_000 });
  expect(calls).toEqual(['0 0', '1 0', '0 1']);
  expect(fired).toBe(1);
});

test('at its end it pulls no more, lets its handler end, tells its offsets, unlocks its queues and leaves the group', async () => {
  const topic = await createTopic(1);
  await send(topic, 1);
  const started = barrier();
  const gate = barrier();
  const steps: (number | string)[] = [];
  const consumer = await startConsumer({
    ...{ subscriptions: [{ topic, expression: '*' }], queueLocks: true, commitIntervalMs: 60_000 },
    handler: async () => {
      started.open();
      await gate.wait;
      steps.push('handled');
    },
  });
  await started.wait;
  const note = (message: unknown): void => {
    const { code, error } = message as { code: number; error?: unknown };
    // The pull that waited at the broker ends without an answer.
    if (code !== PULL_MESSAGE || error === undefined) steps.push(code);
  };
  subscribe('rocketmq:request', note);
  onTestFinished(() => void unsubscribe('rocketmq:request', note));
  const closed = consumer.close();
  gate.open();
  await closed;
  const handledAt = steps.indexOf('handled');
  const commitAt = steps.lastIndexOf(UPDATE_CONSUMER_OFFSET);
  const unlockAt = steps.indexOf(UNLOCK_BATCH_MQ);
  const leaveAt = steps.indexOf(UNREGISTER_CLIENT);
  expect(handledAt).toBeGreaterThanOrEqual(0);
  expect(commitAt).toBeGreaterThan(handledAt);
  expect(unlockAt).toBeGreaterThan(handledAt);
  expect(leaveAt).toBeGreaterThan(Math.max(commitAt, unlockAt));
  expect(steps.slice(handledAt)).not.toContain(PULL_MESSAGE);
});
