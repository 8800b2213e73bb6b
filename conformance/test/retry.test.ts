import type { ReceivedMessage } from '@dt/rocketmq-client';
import { eventually, uniqueName } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, readQueue, rocketmq, startConsumer, startProducer } from './support.ts';

// Retries come after a second here; a cluster that runs elsewhere has its own delays, 10 seconds for the first.
const maxReconsumeTimes = rocketmq.external ? 1 : 3;

test('a failed message comes back through the broker with its count grown, and at last is a dead letter', async () => {
  const topic = await createTopic(1);
  const group = uniqueName('group');
  const producer = await startProducer();
  const calls: ReceivedMessage[] = [];
  const of = (body: string): ReceivedMessage[] => calls.filter((message) => message.body.toString() === body);
  await startConsumer({
    group,
    subscriptions: [{ topic, expression: '*' }],
    batchSize: 1,
    maxReconsumeTimes,
    handler: async (messages) => {
      calls.push(...messages);
      if (messages.some((message) => message.body.toString() === 'poison'))
        throw new Error('cannot be consumed');
    },
  });
  const { messageId } = await producer.send({ topic, tag: 'red', keys: 'k1', body: 'poison' });
  await producer.send({ topic, body: 'good' });

  // Nobody waits for the poisoned one.
  await eventually(() => of('good').length === 1);
  const [dead] = await eventually(
    async () => {
      const messages = await readQueue(`%DLQ%${group}`, 0);
      return messages.length > 0 && messages;
    },
    // A client may learn of its new retry topic only when it next looks for routes.
    { timeoutMs: 60_000, intervalMs: 100, what: 'the dead letter' },
  );
  expect(dead?.body.toString()).toBe('poison');
  expect(dead?.properties).toMatchObject({
    TAGS: 'red',
    KEYS: 'k1',
    UNIQ_KEY: messageId,
    RETRY_TOPIC: topic,
  });
  const counts = Array.from({ length: maxReconsumeTimes + 1 }, (_, i) => i);
  expect(of('poison').map((message) => message.reconsumeTimes)).toEqual(counts);
  for (const message of of('poison'))
    expect(message).toMatchObject({ topic, tag: 'red', keys: ['k1'], messageId });
  expect(of('good')).toHaveLength(1);
});

test("with onError 'suspend' a failed batch is given again and nothing of its queue passes it by", async () => {
  const topic = await createTopic(2);
  const group = uniqueName('group');
  const producer = await startProducer();
  const given: string[] = [];
  const attempts: number[] = [];
  let failures = 0;
  await startConsumer({
    group,
    subscriptions: [{ topic, expression: '*' }],
    batchSize: 4,
    onError: 'suspend',
    suspendMs: 50,
    handler: async (messages, { attempt }) => {
      const bodies = messages.map((message) => message.body.toString());
      if (bodies.includes('a5') && failures < 3) {
        failures++;
        attempts.push(attempt);
        throw new Error('not yet');
      }
      given.push(...bodies);
    },
  });
  const bodies = Array.from({ length: 20 }, (_, i) => i);
  await producer.sendBatch(
    bodies.flatMap((i) => [
      { topic, shardingKey: 'a', body: `a${i}` },
      { topic, shardingKey: 'player-2', body: `b${i}` },
    ]),
  );
  await eventually(() => given.length >= 40, { timeoutMs: 20_000 });
  expect(failures).toBe(3);
  expect(given.filter((body) => body.startsWith('a'))).toEqual(bodies.map((i) => `a${i}`));
  expect(given.filter((body) => body.startsWith('b'))).toEqual(bodies.map((i) => `b${i}`));
  expect(attempts[1]).toBe((attempts[0] ?? 0) + 1);
  expect(attempts[2]).toBe((attempts[0] ?? 0) + 2);
  // Nothing went through the retry topic.
  expect(await readQueue(`%DLQ%${group}`, 0)).toEqual([]);
});
