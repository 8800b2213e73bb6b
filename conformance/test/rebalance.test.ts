import { eventually, uniqueName } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, Received, startConsumer, startProducer } from './support.ts';

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i));

/** Messages with keys that lead to all queues. */
const toAllQueues = (topic: string, from: number, to: number) =>
  numbers(from, to).map((body) => ({ topic, shardingKey: `key-${body}`, body }));

test('two consumers of a group share its queues, and take over when one joins or leaves', async () => {
  const topic = await createTopic(4);
  const group = uniqueName('group');
  const subscriptions = [{ topic, expression: '*' }];
  const producer = await startProducer();
  let sent = 0;
  const send = async (count: number): Promise<void> => {
    const outcomes = await producer.sendBatch(toAllQueues(topic, sent, sent + count));
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
    sent += count;
  };
  const first = new Received();
  const second = new Received();
  const all = (): Set<string> => new Set([...first.bodies, ...second.bodies]);

  await startConsumer({ group, subscriptions, handler: first.handler });
  await send(40);
  await eventually(() => all().size === sent);
  expect(first.queueIds).toEqual([0, 1, 2, 3]);

  const joined = await startConsumer({ group, subscriptions, handler: second.handler });
  // The share has settled when new messages of all queues reach both, two queues each.
  await eventually(
    async () => {
      first.messages.length = 0;
      second.messages.length = 0;
      const from = sent;
      await send(40);
      await eventually(() => numbers(from, sent).every((body) => all().has(body)));
      return first.queueIds.length === 2 && second.queueIds.length === 2;
    },
    { timeoutMs: 30_000, intervalMs: 200, what: 'an even share of the queues' },
  );
  expect([...first.queueIds, ...second.queueIds].sort()).toEqual([0, 1, 2, 3]);

  // Leaving, while messages are on their way.
  first.messages.length = 0;
  second.messages.length = 0;
  const from = sent;
  const sending = (async () => {
    for (let i = 0; i < 20; i++) await send(20);
  })();
  await eventually(() => second.messages.length > 0);
  await joined.close();
  const afterLeaving = second.messages.length;
  await sending;
  await eventually(() => numbers(from, sent).every((body) => all().has(body)), { timeoutMs: 30_000 });
  expect(second.messages.length).toBe(afterLeaving);
  // Who leaves in order hands over its progress: nothing is given twice.
  expect(first.messages.length + second.messages.length).toBe(sent - from);

  first.messages.length = 0;
  await send(40);
  await eventually(() => first.messages.length >= 40);
  expect(first.queueIds).toEqual([0, 1, 2, 3]);
});

test('a third consumer of two queues waits, and steps in when one is gone', async () => {
  const topic = await createTopic(2);
  const group = uniqueName('group');
  const subscriptions = [{ topic, expression: '*' }];
  const producer = await startProducer();
  const received = [new Received(), new Received(), new Received()] as const;
  const consumers = [];
  for (const { handler } of received) consumers.push(await startConsumer({ group, subscriptions, handler }));
  const share = async (): Promise<number[]> => {
    for (const { messages } of received) messages.length = 0;
    await producer.sendBatch(toAllQueues(topic, 0, 20));
    await eventually(() => received.reduce((sum, { messages }) => sum + messages.length, 0) >= 20);
    return received.map(({ queueIds }) => queueIds.length).sort();
  };
  await eventually(async () => expect(await share()).toEqual([0, 1, 1]), {
    timeoutMs: 30_000,
    intervalMs: 200,
  });
  const busy = received.findIndex(({ queueIds }) => queueIds.length === 1);
  await consumers[busy]?.close();
  await eventually(async () => expect(await share()).toEqual([0, 1, 1]), {
    timeoutMs: 30_000,
    intervalMs: 200,
  });
  expect(received[busy]?.messages).toEqual([]);
});
