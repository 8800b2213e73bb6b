import type { PullConsumer } from '@dt/rocketmq-client';
import { eventually, uniqueName } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, startProducer, startPulling } from './support.ts';

async function sendNumbers(topic: string, from: number, to: number, tag?: string): Promise<void> {
  const producer = await startProducer();
  const outcomes = await producer.sendBatch(
    Array.from({ length: to - from }, (_, i) => ({
      ...{ topic, shardingKey: `${i}`, body: `${from + i}` },
      ...(tag !== undefined && { tag }),
    })),
  );
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

async function pollNumbers(consumer: PullConsumer, count: number): Promise<number[]> {
  const numbers: number[] = [];
  await eventually(async () => {
    numbers.push(...(await consumer.poll()).map(({ body }) => Number(body.toString())));
    return numbers.length >= count;
  });
  return numbers.sort((a, b) => a - b);
}

test('two members that poll share the queues, and who comes after them goes on where they ended', async () => {
  const topic = await createTopic(4);
  const group = uniqueName('group');
  const subscriptions = [{ topic, expression: '*' }];
  const first = await startPulling({ group, subscriptions });
  const second = await startPulling({ group, subscriptions });
  await eventually(() => first.queues.length === 2 && second.queues.length === 2, { timeoutMs: 30_000 });
  await sendNumbers(topic, 0, 100);
  const got = new Set<number>();
  await eventually(async () => {
    for (const consumer of [first, second])
      for (const { body } of await consumer.poll({ timeoutMs: 50 })) got.add(Number(body.toString()));
    return got.size === 100;
  });
  await Promise.all([first.commit(), second.commit()]);
  await Promise.all([first.close(), second.close()]);

  await sendNumbers(topic, 100, 120);
  const third = await startPulling({ group, subscriptions });
  expect(await pollNumbers(third, 20)).toEqual(range(100, 120));
  expect((await third.lag()).reduce((sum, { lag }) => sum + lag, 0)).toBeGreaterThan(0);
  await third.commit();
  expect((await third.lag()).reduce((sum, { lag }) => sum + lag, 0)).toBe(0);
});

test('assigned queues are read, sought in and committed without a member of the group', async () => {
  const topic = await createTopic(1);
  const group = uniqueName('group');
  await sendNumbers(topic, 0, 50);
  const consumer = await startPulling({ group, autoCommit: false });
  const [queue] = await consumer.topicQueues(topic);
  if (queue === undefined) throw new Error('the topic has a queue');
  await consumer.assign([queue]);
  expect(await consumer.committed(queue)).toBeUndefined();
  expect(await pollNumbers(consumer, 50)).toEqual(range(0, 50));

  await consumer.seek(queue, 20);
  const again = await consumer.poll({ maxMessages: 5 });
  expect(again.map(({ queueOffset }) => queueOffset)).toEqual(range(20, 25));
  await consumer.commit();
  expect(await consumer.committed(queue)).toBe(25);
  await consumer.seek(queue, 'end');
  expect(await consumer.poll({ timeoutMs: 200 })).toEqual([]);
  expect(consumer.position(queue)).toBe(50);
  await consumer.seek(queue, 'begin');
  expect((await consumer.poll({ maxMessages: 1 }))[0]?.queueOffset).toBe(0);
  const [last] = await consumer.poll({ maxMessages: 1 });
  await consumer.seek(queue, { timestamp: (last?.storeTimestamp ?? 0) + 3_600_000 });
  expect(consumer.position(queue)).toBe(50);
  // Beyond the end the broker leads back.
  await consumer.seek(queue, 10_000);
  await eventually(
    async () => (await consumer.poll({ timeoutMs: 20 })).length === 0 && consumer.position(queue) === 50,
  );
  // What was not committed comes again.
  await consumer.close();
  const next = await startPulling({ group, autoCommit: false });
  await next.assign([queue]);
  expect(next.position(queue)).toBe(25);
});

test('a queue nobody has written to can be sought in', async () => {
  const topic = await createTopic(1);
  const consumer = await startPulling({ autoCommit: false });
  const queues = await consumer.topicQueues(topic);
  await consumer.assign(queues);
  for (const queue of queues) {
    for (const target of ['begin', 'end', { timestamp: Date.now() }] as const) {
      await consumer.seek(queue, target);
      expect(consumer.position(queue)).toBe(0);
    }
  }
  await sendNumbers(topic, 0, 3);
  expect(await pollNumbers(consumer, 3)).toEqual([0, 1, 2]);
});

test('a backlog of other tags is passed over quickly', async () => {
  const topic = await createTopic(1);
  await sendNumbers(topic, 0, 5000, 'even');
  await sendNumbers(topic, 5000, 5001, 'odd');
  const consumer = await startPulling({ autoCommit: false });
  const startedAt = performance.now();
  await consumer.assign(await consumer.topicQueues(topic), 'odd');
  expect(await pollNumbers(consumer, 1)).toEqual([5000]);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

test('an iterator gives messages of the wanted tags as they come', async () => {
  const topic = await createTopic(2);
  const consumer = await startPulling({ subscriptions: [{ topic, expression: 'odd' }] });
  await eventually(() => consumer.queues.length === 2, { timeoutMs: 30_000 });
  await sendNumbers(topic, 0, 10, 'even');
  await sendNumbers(topic, 10, 20, 'odd');
  const got: number[] = [];
  for await (const message of consumer) {
    got.push(Number(message.body.toString()));
    if (got.length === 10) break;
  }
  expect(got.sort((a, b) => a - b)).toEqual(range(10, 20));
});
