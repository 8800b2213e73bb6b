import { eventually, uniqueName } from '@dt/testkit';
import { describe, expect, test } from 'vitest';
import { createTopic, Received, startConsumer, startProducer } from './support.ts';

const numbers = (count: number, prefix = ''): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe('a new group', () => {
  test.each(['first', 'last'] as const)(
    'on a young topic gets everything that is there, also with from: %j',
    async (from) => {
      // A broker answers offset 0 for an unknown group while the queue's first message is still in memory.
      const topic = await createTopic(4);
      const producer = await startProducer();
      await producer.sendBatch(numbers(100).map((body) => ({ topic, body })));
      const received = new Received();
      await startConsumer({ subscriptions: [{ topic, expression: '*' }], from, handler: received.handler });
      await eventually(() => received.messages.length >= 100);
      expect(received.bodies.sort()).toEqual(numbers(100).sort());
    },
  );

  test('is given the messages with all their parts', async () => {
    const topic = await createTopic(1);
    const producer = await startProducer();
    const before = Date.now();
    const sent = await producer.send({
      topic,
      tag: 'red',
      keys: ['k1', 'k2'],
      shardingKey: 'player-1',
      body: 'hello',
      properties: { traceparent: '00-1-2-01' },
    });
    const received = new Received();
    await startConsumer({ subscriptions: [{ topic, expression: '*' }], handler: received.handler });
    const [message] = await eventually(() => received.messages.length === 1 && received.messages);
    expect(message).toMatchObject({
      topic,
      tag: 'red',
      keys: ['k1', 'k2'],
      shardingKey: 'player-1',
      messageId: sent.messageId,
      offsetMessageId: sent.offsetMessageId,
      queue: sent.queue,
      queueOffset: 0,
      reconsumeTimes: 0,
    });
    expect(message?.body.toString()).toBe('hello');
    expect(message?.properties['traceparent']).toBe('00-1-2-01');
    expect(message?.bornTimestamp).toBeGreaterThanOrEqual(before - 1);
    expect(message?.storeTimestamp).toBeGreaterThanOrEqual(before - 1);
  });
});

describe('tags', () => {
  test.each([
    ['red', ['red']],
    ['red || green', ['green', 'red']],
    ['*', ['blue', 'green', 'none', 'red']],
  ])('%s lets pass %j', async (expression, expected) => {
    const topic = await createTopic(2);
    const producer = await startProducer();
    const received = new Received();
    await startConsumer({ subscriptions: [{ topic, expression }], handler: received.handler });
    for (const tag of ['red', 'green', 'blue']) await producer.send({ topic, tag, body: tag });
    await producer.send({ topic, body: 'none' });
    // The last message passes every filter's queue: when it or its like is here, nothing else will come.
    await eventually(() => received.messages.length >= expected.length);
    await producer.send({ topic, tag: 'red', body: 'end' });
    await eventually(() => received.bodies.includes('end'));
    expect(received.bodies.filter((body) => body !== 'end').sort()).toEqual(expected);
  });

  test('that collide in their hash codes are told apart', async () => {
    const topic = await createTopic(1);
    const producer = await startProducer();
    const received = new Received();
    await startConsumer({ subscriptions: [{ topic, expression: 'Aa' }], handler: received.handler });
    // The broker knows tags by hash only, and those of `Aa` and `BB` are equal.
    await producer.sendBatch([
      { topic, tag: 'BB', body: 'not for us' },
      { topic, tag: 'Aa', body: 'for us' },
      { topic, tag: 'BB', body: 'not for us either' },
      { topic, tag: 'Aa', body: 'end' },
    ]);
    await eventually(() => received.bodies.includes('end'));
    expect(received.bodies).toEqual(['for us', 'end']);
  });

  test('that nobody wants are passed by for good', async () => {
    const topic = await createTopic(1);
    const group = uniqueName('group');
    const producer = await startProducer();
    await producer.sendBatch(numbers(200).map((body) => ({ topic, tag: 'blue', body })));
    await producer.send({ topic, tag: 'red', body: 'end' });
    const received = new Received();
    const options = { group, subscriptions: [{ topic, expression: 'red' }], handler: received.handler };
    const consumer = await startConsumer(options);
    await eventually(() => received.bodies.includes('end'));
    await consumer.close();
    expect(received.bodies).toEqual(['end']);
  });
});

describe('the messages of a queue', () => {
  test('come in the order of their offsets, one call at a time, in calls no larger than asked', async () => {
    const topic = await createTopic(4);
    const producer = await startProducer();
    const lastOfKey = new Map<string, number>();
    const lastOfQueue = new Map<number, number>();
    const busy = new Set<number>();
    const faults: string[] = [];
    let count = 0;
    await startConsumer({
      subscriptions: [{ topic, expression: '*' }],
      batchSize: 16,
      handler: async (messages, { queue }) => {
        if (busy.has(queue.queueId)) faults.push(`two calls at once for queue ${queue.queueId}`);
        busy.add(queue.queueId);
        if (messages.length > 16) faults.push(`a call with ${messages.length} messages`);
        await new Promise((resolve) => setImmediate(resolve));
        for (const message of messages) {
          const i = Number(message.body.toString());
          const key = message.shardingKey ?? '';
          if (i <= (lastOfKey.get(key) ?? -1)) faults.push(`${key}: ${i} after ${lastOfKey.get(key)}`);
          if (message.queueOffset <= (lastOfQueue.get(queue.queueId) ?? -1))
            faults.push(`offset ${message.queueOffset}`);
          lastOfKey.set(key, i);
          lastOfQueue.set(queue.queueId, message.queueOffset);
        }
        count += messages.length;
        busy.delete(queue.queueId);
      },
    });
    for (let start = 0; start < 2000; start += 200) {
      await producer.sendBatch(
        numbers(200).map((_, i) => ({
          topic,
          shardingKey: `player-${(start + i) % 23}`,
          body: String(start + i),
        })),
      );
    }
    await eventually(() => count >= 2000, { timeoutMs: 20_000 });
    expect(faults).toEqual([]);
    expect(count).toBe(2000);
  });
});

describe('progress', () => {
  test('is kept: who comes back gets what came meanwhile, and nothing twice', async () => {
    const topic = await createTopic(4);
    const group = uniqueName('group');
    const producer = await startProducer();
    const subscriptions = [{ topic, expression: '*' }];
    const before = new Received();
    const consumer = await startConsumer({ group, subscriptions, handler: before.handler });
    await producer.sendBatch(numbers(50, 'before-').map((body) => ({ topic, body })));
    await eventually(() => before.messages.length >= 50);
    await consumer.close();

    await producer.sendBatch(numbers(50, 'after-').map((body) => ({ topic, body })));
    const after = new Received();
    await startConsumer({ group, subscriptions, handler: after.handler });
    await eventually(() => after.messages.length >= 50);
    expect(before.bodies.sort()).toEqual(numbers(50, 'before-').sort());
    expect(after.bodies.sort()).toEqual(numbers(50, 'after-').sort());
  });

  test('of one group is not that of another', async () => {
    const topic = await createTopic(2);
    const producer = await startProducer();
    const groups = [new Received(), new Received()];
    for (const received of groups) {
      await startConsumer({ subscriptions: [{ topic, expression: '*' }], handler: received.handler });
    }
    await producer.sendBatch(numbers(40).map((body) => ({ topic, body })));
    for (const received of groups) {
      await eventually(() => received.messages.length >= 40);
      expect(received.bodies.sort()).toEqual(numbers(40).sort());
    }
  });
});

describe('a long poll', () => {
  test('wakes an idle consumer within 200 ms', async () => {
    const topic = await createTopic(4);
    const producer = await startProducer();
    let arrived: ((at: number) => void) | undefined;
    await startConsumer({
      subscriptions: [{ topic, expression: '*' }],
      handler: async () => arrived?.(performance.now()),
    });
    const latenciesMs: number[] = [];
    for (let i = 0; i < 12; i++) {
      const arrival = new Promise<number>((resolve) => (arrived = resolve));
      const start = performance.now();
      await producer.send({ topic, body: String(i) });
      latenciesMs.push((await arrival) - start);
      // Let the consumer go back to waiting.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // The first ones may have met a consumer that was still starting.
    expect(Math.max(...latenciesMs.slice(4))).toBeLessThan(200);
  });
});
