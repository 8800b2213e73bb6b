import { uniqueName } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, startAdmin, startProducer } from './support.ts';

test('the route of a topic is told with permissions and flags', async () => {
  const admin = await startAdmin();
  const topic = uniqueName('topic');
  await admin.createTopic({ topic, readQueueNums: 3, writeQueueNums: 2, perm: 4, topicSysFlag: 1 });
  const route = await admin.topicRouteData(topic);
  expect(route.queueDatas).toEqual([
    { brokerName: 'broker-a', readQueueNums: 3, writeQueueNums: 2, perm: 4, topicSysFlag: 1 },
  ]);
  await expect(admin.topicRouteData(uniqueName('nowhere'))).rejects.toMatchObject({
    code: 'topic-not-found',
  });
});

test('a topic can be ordered', async () => {
  const admin = await startAdmin();
  const topic = uniqueName('topic');
  await admin.createTopic({ topic, order: true });
  const brokers = Object.values((await admin.clusterInfo()).brokers);
  const address = brokers[0]?.brokerAddrs['0'] ?? '';
  expect(await admin.topicConfig(address, topic)).toMatchObject({ order: true });
});

test('a text kept by the NameServers is found again', async () => {
  const admin = await startAdmin();
  const key = uniqueName('key');
  expect(await admin.kvConfig('ORDER_TOPIC_CONFIG', key)).toBeUndefined();
  await admin.putKvConfig('ORDER_TOPIC_CONFIG', key, 'broker-a:4');
  expect(await admin.kvConfig('ORDER_TOPIC_CONFIG', key)).toBe('broker-a:4');
});

test('a queue is read from any offset to its end, with tags and without', async () => {
  const admin = await startAdmin();
  const producer = await startProducer();
  const topic = await createTopic(1);
  const queue = { topic, brokerName: 'broker-a', queueId: 0 };
  // Aa and BB have the same hash: a broker alone cannot tell them apart.
  for (const tag of ['Aa', 'BB', 'C', 'C']) await producer.send({ topic, tag, body: tag });
  const all = await admin.readMessages(queue, 0);
  expect(all).toMatchObject({ status: 'found', nextOffset: 4 });
  expect(all.messages.map(({ body, queueOffset }) => [body.toString(), queueOffset])).toEqual([
    ['Aa', 0],
    ['BB', 1],
    ['C', 2],
    ['C', 3],
  ]);
  const some = await admin.readMessages(queue, 0, { expression: 'Aa' });
  expect(some.messages.map(({ body }) => body.toString())).toEqual(['Aa']);
  expect(await admin.readMessages(queue, 2, { expression: 'Aa || BB' })).toMatchObject({
    status: 'no-match',
    messages: [],
    nextOffset: 4,
  });
  expect(await admin.readMessages(queue, 4)).toMatchObject({ status: 'no-new', nextOffset: 4 });
  expect(await admin.readMessages(queue, 99)).toMatchObject({ status: 'offset-illegal', nextOffset: 4 });
  expect((await admin.readMessages(queue, 1, { max: 2 })).messages).toHaveLength(2);
  await expect(admin.readMessages(queue, 0, { expression: '||' })).rejects.toMatchObject({
    code: 'options-invalid',
  });
});

test('a cluster is asked where its name is given', async () => {
  const admin = await startAdmin();
  const topic = await createTopic(2);
  const clusterName = 'DefaultCluster';
  expect(await admin.topicStats(topic, { clusterName })).toEqual(await admin.topicStats(topic));
  await expect(admin.topicStats(topic, { clusterName: uniqueName('cluster') })).rejects.toMatchObject({
    code: 'broker-not-found',
  });
});
