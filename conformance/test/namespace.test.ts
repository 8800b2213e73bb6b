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

test('an admin client of a namespace takes and gives names without it, and lists nothing of others', async () => {
  const topic = uniqueName('topic');
  const group = uniqueName('group');
  const outside = await startAdmin();
  const admin = await startAdmin(rocketmq.nameServer, { namespace });
  const { brokerAddress } = rocketmq;
  const wire = (name: string): string => `${namespace}%${name}`;

  await admin.createTopic({ topic, readQueueNums: 1, writeQueueNums: 1 });
  expect((await outside.topicRoute(wire(topic))).readableQueues).toHaveLength(1);
  const [queue] = (await admin.topicRoute(topic)).readableQueues;
  if (queue === undefined) throw new Error('the topic has a queue');
  expect(queue.topic).toBe(topic);
  expect((await admin.topicRouteData(topic)).queueDatas).toHaveLength(1);
  const lists = [
    await admin.topicList(),
    (await admin.allTopicConfigs(brokerAddress)).map(({ topicName }) => topicName),
  ];
  for (const list of lists) {
    expect(list).toContain(topic);
    expect(list.filter((name) => name.startsWith(namespace) || name === 'SELF_TEST_TOPIC')).toEqual([]);
  }
  expect(await admin.topicConfig(brokerAddress, topic)).toMatchObject({ topicName: topic, readQueueNums: 1 });
  await admin.createSubscriptionGroup({ group, retryMaxTimes: 3 });
  expect(await outside.subscriptionGroup(brokerAddress, wire(group))).toMatchObject({ retryMaxTimes: 3 });
  expect(await admin.subscriptionGroup(brokerAddress, group)).toMatchObject({ groupName: group });
  const groups = (await admin.subscriptionGroups(brokerAddress)).map(({ groupName }) => groupName);
  expect(groups).toContain(group);
  expect(groups.filter((name) => name.startsWith(namespace) || name === 'TOOLS_CONSUMER')).toEqual([]);

  const received = new Received();
  const producerGroup = uniqueName('producer');
  const producer = await startProducer({ namespace, group: producerGroup });
  const sent = await producer.send({ topic, keys: ['k1'], body: 'one' });
  for (const body of ['two', 'three']) await producer.send({ topic, body });
  const consumer = await startConsumer({
    ...{ namespace, group, subscriptions: [{ topic, expression: '*' }], commitIntervalMs: 200 },
    handler: received.handler,
  });
  await eventually(() => received.messages.length === 3, { timeoutMs: 20_000 });
  expect(await admin.maxOffset(queue)).toBe(3);
  expect(await admin.topicStats(topic)).toMatchObject([{ queue, maxOffset: 3 }]);
  await eventually(async () => (await admin.consumeStats(group, topic)).queues[0]?.consumerOffset === 3);
  expect((await admin.consumeStats(group, topic)).queues).toMatchObject([{ queue }]);
  expect(await admin.consumeTimeSpan(group, topic)).toMatchObject([{ queue }]);
  expect(await admin.groupsOfTopic(topic)).toEqual([group]);
  expect(await admin.topicsOfGroup(group)).toContain(topic);
  const members = await admin.consumerConnections(group);
  expect(members?.subscriptions.map((subscription) => subscription.topic).sort()).toEqual([
    `%RETRY%${group}`,
    topic,
  ]);
  expect(await admin.producerConnections(producerGroup, topic)).toHaveLength(1);
  const info = await admin.consumerRunningInfo(group, consumer.clientId);
  expect(info.queues.map((running) => running.queue)).toContainEqual(queue);
  expect(info.topics.map((status) => status.topic)).toContain(topic);
  expect(await admin.consumerStatus(group, topic)).toMatchObject([{ offsets: [{ queue, offset: 3 }] }]);
  const direct = await admin.consumeDirectly(group, consumer.clientId, topic, sent.offsetMessageId);
  expect(direct.consumeResult).toBe('CR_SUCCESS');
  expect(received.messages[3]).toMatchObject({ topic, queue: { topic } });

  const found = await eventually(async () => (await admin.messagesByKey(topic, 'k1'))[0]);
  expect(found).toMatchObject({ topic, queue, queueOffset: 0 });
  expect(await admin.messageByUniqueKey(topic, sent.messageId)).toMatchObject({ topic, queue });
  expect(await admin.messageById(sent.offsetMessageId)).toMatchObject({ topic, queue });
  expect((await admin.readMessages(queue, 1)).messages.map((message) => message.queue)).toEqual([
    queue,
    queue,
  ]);
  expect(await admin.messageTrack(found)).toEqual([{ group, track: 'CONSUMED' }]);
  const entry = (await admin.allConsumerOffsets(brokerAddress)).find((offsets) => offsets.group === group);
  expect(entry?.group).toBe(group);
  const stats = (await admin.brokerConsumeStats(brokerAddress)).groups.find((one) => one.group === group);
  expect(stats?.topics.flatMap(({ queues }) => queues.map((one) => one.queue))).toContainEqual(queue);

  await consumer.close();
  const other = uniqueName('group');
  await admin.cloneGroupOffset(group, other, { topic, offline: true });
  expect((await outside.consumeStats(wire(other), wire(topic))).queues).toMatchObject([
    { consumerOffset: 3 },
  ]);
  expect(await admin.resetOffset({ group, topic, to: 'first' })).toEqual([{ queue, offset: 0 }]);
  expect(await admin.resetOffset({ group, topic, to: { queue, offset: 2 }, offline: true })).toEqual([
    { queue, offset: 2 },
  ]);
  await admin.deleteSubscriptionGroup(group);
  expect(await outside.subscriptionGroup(brokerAddress, wire(group))).toBeUndefined();
});
