import { TransactionProducer } from '@dt/rocketmq-client';
import { eventually, uniqueName } from '@dt/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { readQueue, Received, rocketmq, startAdmin, startConsumer, startProducer } from './support.ts';

const namespace = 'MQ_INST_1';

/** A topic of the namespace, by its name without it. */
async function namespacedTopic(): Promise<string> {
  const topic = uniqueName('topic');
  const admin = await startAdmin();
  await admin.createTopic({ topic: `${namespace}%${topic}`, readQueueNums: 2, writeQueueNums: 2 });
  return topic;
}

test('topics and groups of a namespace have it on the wire, and messages come without it', async () => {
  const topic = await namespacedTopic();
  const group = uniqueName('group');
  const received = new Received();
  const consumer = await startConsumer({
    ...{ namespace, group, subscriptions: [{ topic, expression: '*' }] },
    handler: received.handler,
  });
  const producer = await startProducer({ namespace });
  const results = [
    await producer.send({ topic, body: 'one' }),
    await producer.send({ topic, shardingKey: 'k', body: 'two' }),
  ];
  const outcomes = await producer.sendBatch([{ topic, body: 'three' }], {
    selectQueue: (queues) => {
      expect(queues.map((queue) => queue.topic)).toEqual([topic, topic]);
      return queues[0] ?? { topic, brokerName: '', queueId: -1 };
    },
  });
  expect(outcomes).toMatchObject([{ ok: true, result: { queue: { topic } } }]);
  for (const { queue } of results) expect(queue.topic).toBe(topic);
  await eventually(() => received.messages.length === 3, { timeoutMs: 20_000 });
  for (const message of received.messages) {
    expect(message.topic).toBe(topic);
    expect(message.queue.topic).toBe(topic);
  }
  expect(consumer.queues.map((queue) => queue.topic)).toContain(topic);
  expect(consumer.queues.map((queue) => queue.topic)).toContain(`%RETRY%${group}`);
  await eventually(async () =>
    (await consumer.lag()).every(({ lag, queue }) => lag === 0 && !queue.topic.includes(namespace)),
  );
  const stored = await readQueue(`${namespace}%${topic}`, results[0]?.queue.queueId ?? 0, { atLeast: 1 });
  expect(stored.length).toBeGreaterThan(0);
  const admin = await startAdmin();
  const members = await admin.consumerConnections(`${namespace}%${group}`);
  expect(members?.connections.map(({ clientId }) => clientId)).toEqual([consumer.clientId]);

  // Paused by the names a consumer knows.
  consumer.pause(consumer.queues.filter((queue) => queue.topic === topic));
  await producer.send({ topic, body: 'held' });
  await eventually(async () => (await consumer.lag()).some(({ lag }) => lag === 1));
  expect(received.bodies).not.toContain('held');
  consumer.resume();
  await eventually(() => received.bodies.includes('held'), { timeoutMs: 20_000 });
});

test('a message that fails comes again under its own name, and ends in the dead letters of the namespace', async () => {
  const topic = await namespacedTopic();
  const group = uniqueName('group');
  const received = new Received();
  await startConsumer({
    ...{ namespace, group, subscriptions: [{ topic, expression: '*' }], maxReconsumeTimes: 1 },
    handler: async (messages) => {
      await received.handler(messages);
      throw new Error('no');
    },
  });
  const producer = await startProducer({ namespace });
  await producer.send({ topic, body: 'bad' });
  await eventually(() => received.messages.length === 2, { timeoutMs: 40_000 });
  expect(received.messages.map((message) => message.topic)).toEqual([topic, topic]);
  expect(received.messages[1]?.queue.topic).toBe(`%RETRY%${group}`);
  const dead = await readQueue(`%DLQ%${namespace}%${group}`, 0, { atLeast: 1 });
  expect(dead[0]?.body.toString()).toBe('bad');
});

test('a transaction of a namespace commits', async () => {
  const topic = await namespacedTopic();
  const received = new Received();
  await startConsumer({
    ...{ namespace, subscriptions: [{ topic, expression: '*' }] },
    handler: received.handler,
  });
  const producer = new TransactionProducer({
    ...{ nameServers: rocketmq.nameServer, group: uniqueName('tx'), namespace },
    checker: async () => 'unknown',
  });
  onTestFinished(() => producer.close());
  await producer.start();
  const result = await producer.sendInTransaction({ topic, body: 'tx' }, async () => 'commit');
  expect(result.queue.topic).toBe(topic);
  await eventually(() => received.bodies.includes('tx'), { timeoutMs: 20_000 });
});
