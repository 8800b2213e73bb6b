import { TransactionProducer } from '@dt/rocketmq-client';
import { eventually, uniqueName } from '@dt/testkit';
import { expect, onTestFinished, test } from 'vitest';
import {
  readQueue,
  Received,
  rocketmq,
  startAdmin,
  startConsumer,
  startPopping,
  startProducer,
  startPulling,
} from './support.ts';

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

test('a pull consumer of a namespace reads, seeks, commits and pauses by names without it', async () => {
  const topic = await namespacedTopic();
  const group = uniqueName('group');
  const producer = await startProducer({ namespace });
  const member = await startPulling({ namespace, group, subscriptions: [{ topic, expression: '*' }] });
  await eventually(() => member.queues.length === 2, { timeoutMs: 30_000 });
  expect(member.queues.map((queue) => queue.topic)).toEqual([topic, topic]);
  for (const body of ['one', 'two', 'three']) await producer.send({ topic, body });
  const got: string[] = [];
  await eventually(async () => {
    for (const message of await member.poll()) {
      expect(message).toMatchObject({ topic, queue: { topic } });
      got.push(message.body.toString());
    }
    return got.length === 3;
  });
  expect(got.sort()).toEqual(['one', 'three', 'two']);
  await member.commit();
  expect(await member.lag()).toMatchObject([
    { queue: { topic }, lag: 0 },
    { queue: { topic }, lag: 0 },
  ]);
  const admin = await startAdmin();
  const { queues: stats } = await admin.consumeStats(`${namespace}%${group}`, `${namespace}%${topic}`);
  expect(stats.reduce((sum, { consumerOffset }) => sum + consumerOffset, 0)).toBe(3);

  const reader = await startPulling({ namespace, group: uniqueName('group'), autoCommit: false });
  const queues = await reader.topicQueues(topic);
  expect(queues.map((queue) => queue.topic)).toEqual([topic, topic]);
  await reader.assign(queues);
  expect(reader.queues).toEqual(queues);
  const [queue] = queues.filter(
    ({ queueId }) => queueId === stats.find(({ brokerOffset }) => brokerOffset > 0)?.queue.queueId,
  );
  if (queue === undefined) throw new Error('a queue has messages');
  reader.pause(queues);
  expect(await reader.poll({ timeoutMs: 300 })).toEqual([]);
  reader.resume(queues);
  await eventually(async () => (await reader.poll()).length > 0);
  await reader.seek(queue, 'begin');
  expect(reader.position(queue)).toBe(0);
  await reader.commit([{ queue, offset: 1 }]);
  expect(await reader.committed(queue)).toBe(1);
});

test('a pop consumer of a namespace pops, acknowledges and gives up by names without it', async () => {
  const topic = await namespacedTopic();
  const group = uniqueName('group');
  const subscriptions = [{ topic, expression: '*' }];
  const producer = await startProducer({ namespace });
  for (const body of ['one', 'two', 'bad']) await producer.send({ topic, body });
  const calls: string[] = [];
  const consumer = await startPopping({
    ...{ namespace, group, subscriptions, pollMs: 500, maxReconsumeTimes: 1, retryDelaysMs: [300] },
    handler: async (message) => {
      expect(message.topic).toBe(topic);
      if (message.reconsumeTimes === 0) expect(message.queue.topic).toBe(topic);
      else expect(message.queue.topic).toMatch(new RegExp(`^%RETRY%${group}`));
      calls.push(`${message.body.toString()} ${message.reconsumeTimes}`);
      if (message.body.toString() === 'bad') throw new Error('no');
    },
  });
  await eventually(() => calls.length === 4, { timeoutMs: 40_000 });
  expect(calls.sort()).toEqual(['bad 0', 'bad 1', 'one 0', 'two 0']);
  const admin = await startAdmin();
  const members = await admin.consumerConnections(`${namespace}%${group}`);
  expect(members?.connections.map(({ clientId }) => clientId)).toEqual([consumer.clientId]);
  await consumer.close();
  const dead = await readQueue(`%DLQ%${namespace}%${group}`, 0, { atLeast: 1 });
  expect(dead.map(({ body }) => body.toString())).toEqual(['bad']);

  const other = await startPopping({ namespace, subscriptions, invisibleMs: 20_000 });
  const popped: string[] = [];
  await eventually(async () => {
    const messages = await other.pop({ waitMs: 500 });
    for (const message of messages) await other.changeInvisible(message, 30_000);
    await other.ack(messages);
    popped.push(...messages.map(({ body }) => body.toString()));
    return popped.length === 3;
  });
  expect(popped.sort()).toEqual(['bad', 'one', 'two']);
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
