import { eventually, protocol, uniqueName } from '@dt/testkit';
import { describe, expect, test } from 'vitest';
import { createTopic, rocketmq, startAdmin, startProducer } from './support.ts';

describe('a topic', () => {
  test('has the queues, permission, order and type it was made with', async () => {
    const admin = await startAdmin();
    const topic = uniqueName('topic');
    await admin.createTopic({
      topic,
      readQueueNums: 3,
      writeQueueNums: 2,
      perm: 4,
      topicSysFlag: 1,
      order: true,
      attributes: { '+message.type': 'FIFO' },
    });
    const expected = {
      topicName: topic,
      readQueueNums: 3,
      writeQueueNums: 2,
      perm: 4,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 1,
      order: true,
      attributes: { 'message.type': 'FIFO' },
    };
    expect(await admin.topicConfig(rocketmq.brokerAddress, topic)).toEqual(expected);
    const all = await admin.allTopicConfigs(rocketmq.brokerAddress);
    expect(all.find((config) => config.topicName === topic)).toEqual(expected);
    expect(all.map((config) => config.topicName)).toContain('TBW102');

    // The NameServers keep the queues of an ordered topic, and give them out only when told to.
    expect(await admin.kvConfig('ORDER_TOPIC_CONFIG', topic)).toBe('broker-a:2');
    await admin.createTopic({
      topic,
      writeQueueNums: 4,
      order: true,
      brokerAddress: rocketmq.brokerAddress,
      attributes: { '+message.type': 'NORMAL' },
    });
    expect(await admin.kvConfig('ORDER_TOPIC_CONFIG', topic)).toBe('broker-a:4');
    const changed = await admin.topicConfig(rocketmq.brokerAddress, topic);
    expect(changed).toMatchObject({ writeQueueNums: 4, perm: 6, attributes: { 'message.type': 'NORMAL' } });
    await admin.createTopic({ topic, attributes: { '-message.type': '' } });
    expect((await admin.topicConfig(rocketmq.brokerAddress, topic))?.attributes).toEqual({});
    await admin.deleteTopic(topic, { clusterName: 'DefaultCluster' });
    expect(await admin.topicConfig(rocketmq.brokerAddress, topic)).toBeUndefined();
    expect(await admin.topicList()).not.toContain(topic);
  });

  test.each([
    ['an attribute nobody knows', { '+no.such': 'x' }, 'unsupported key: no.such'],
    ['a type that does not exist', { '+message.type': 'BLUE' }, 'value is not in set'],
    ['an attribute to remove when there is none yet', { '-message.type': '' }, 'only add attribute'],
  ])('is not made with %s', async (_, attributes, remark) => {
    const admin = await startAdmin();
    const topic = uniqueName('topic');
    await expect(admin.createTopic({ topic, attributes })).rejects.toMatchObject({
      code: 'broker-error',
      responseCode: 1,
      message: expect.stringContaining(remark) as unknown,
    });
    expect(await admin.topicConfig(rocketmq.brokerAddress, topic)).toBeUndefined();
  });

  test('may be made for messages of all types, though the broker says it does not support that', async () => {
    const admin = await startAdmin();
    const topic = uniqueName('topic');
    await admin.createTopic({ topic, attributes: { '+message.type': 'MIXED' } });
    expect((await admin.topicConfig(rocketmq.brokerAddress, topic))?.attributes).toEqual({
      'message.type': 'MIXED',
    });
  });

  test('keeps a cleanup policy for ever, and its attributes when nothing is said of them', async () => {
    const admin = await startAdmin();
    const topic = uniqueName('topic');
    await admin.createTopic({ topic, attributes: { '+cleanup.policy': 'DELETE', '+message.type': 'DELAY' } });
    await expect(
      admin.createTopic({ topic, attributes: { '+cleanup.policy': 'DELETE' } }),
    ).rejects.toMatchObject({
      responseCode: 1,
      message: expect.stringContaining('attempt to update an unchangeable attribute') as unknown,
    });
    await expect(admin.createTopic({ topic, attributes: { '-queue.type': '' } })).rejects.toMatchObject({
      message: expect.stringContaining('attempt to delete a nonexistent key: queue.type') as unknown,
    });
    await admin.createTopic({ topic, writeQueueNums: 3 });
    expect(await admin.topicConfig(rocketmq.brokerAddress, topic)).toMatchObject({
      writeQueueNums: 3,
      attributes: { 'cleanup.policy': 'DELETE', 'message.type': 'DELAY' },
    });
  });

  test('can be made together with others, all or none', async () => {
    const admin = await startAdmin();
    const [first, second, third] = [uniqueName('topic'), uniqueName('topic'), uniqueName('topic')];
    await admin.createTopics(rocketmq.brokerAddress, [
      protocol.topicConfigOf(first, { writeQueueNums: 2 }),
      protocol.topicConfigOf(second, { attributes: { '+message.type': 'FIFO' } }),
    ]);
    expect(await admin.topicConfig(rocketmq.brokerAddress, first)).toMatchObject({ writeQueueNums: 2 });
    expect((await admin.topicConfig(rocketmq.brokerAddress, second))?.attributes).toEqual({
      'message.type': 'FIFO',
    });
    expect((await admin.topicRoute(first)).writableQueues).toHaveLength(2);
    await expect(
      admin.createTopics(rocketmq.brokerAddress, [
        protocol.topicConfigOf(third),
        protocol.topicConfigOf('TBW102'),
      ]),
    ).rejects.toMatchObject({ responseCode: 1 });
    expect(await admin.topicConfig(rocketmq.brokerAddress, third)).toBeUndefined();
  });
});

test('topics are listed by cluster, and those of the system apart', async () => {
  const admin = await startAdmin();
  const topic = await createTopic(1);
  expect(await admin.topicsByCluster('DefaultCluster')).toEqual(
    expect.arrayContaining([topic, 'TBW102', 'SELF_TEST_TOPIC']),
  );
  expect(await admin.topicsByCluster('nowhere')).toEqual([]);
  const system = await admin.systemTopics();
  expect(system).toEqual(
    expect.arrayContaining(['DefaultCluster', 'broker-a', 'TBW102', 'SCHEDULE_TOPIC_XXXX', 'BenchmarkTest']),
  );
  expect(system).not.toContain(topic);
});

test('the groups of a topic and the topics of a group are known by their offsets', async () => {
  const admin = await startAdmin();
  const producer = await startProducer();
  const topic = await createTopic(1);
  await producer.send({ topic, body: 'x' });
  expect(await admin.groupsOfTopic(topic)).toEqual([]);
  await expect(admin.groupsOfTopic(uniqueName('nowhere'))).rejects.toMatchObject({ code: 'topic-not-found' });
  await expect(admin.topicsOfGroup(uniqueName('nobody'))).rejects.toMatchObject({ code: 'topic-not-found' });
  await eventually(async () => (await admin.topicStats(topic))[0]?.maxOffset === 1);
});

describe('a NameServer', () => {
  test('keeps texts by namespace and key', async () => {
    const admin = await startAdmin();
    const namespace = uniqueName('namespace');
    expect(await admin.kvConfig(namespace, 'a')).toBeUndefined();
    expect(await admin.kvConfigs(namespace)).toEqual({});
    await admin.putKvConfig(namespace, 'a', '1');
    await admin.putKvConfig(namespace, 'b', 'zwei');
    await admin.putKvConfig(namespace, 'a', '2');
    expect(await admin.kvConfig(namespace, 'a')).toBe('2');
    expect(await admin.kvConfigs(namespace)).toEqual({ a: '2', b: 'zwei' });
    await admin.deleteKvConfig(namespace, 'a');
    await admin.deleteKvConfig(namespace, 'never there');
    expect(await admin.kvConfigs(namespace)).toEqual({ b: 'zwei' });
  });

  test('tells its configuration and lets part of it change', async () => {
    const admin = await startAdmin();
    const before = await admin.nameServerConfig();
    expect(before).toMatchObject({
      enableTopicList: 'true',
      orderMessageEnable: 'false',
      clusterTest: 'false',
    });
    await admin.updateNameServerConfig({ productEnvName: 'test', nobodyKnows: 'x' });
    const after = await admin.nameServerConfig();
    expect(after['productEnvName']).toBe('test');
    expect(after).not.toHaveProperty('nobodyKnows');
    await admin.updateNameServerConfig({ productEnvName: before['productEnvName'] ?? 'center' });
    await expect(admin.updateNameServerConfig({ kvConfigPath: '/elsewhere' })).rejects.toMatchObject({
      responseCode: 16,
    });
  });

  test('wipes what it does not know of nothing', async () => {
    const admin = await startAdmin();
    expect(await admin.wipeWritePermission(uniqueName('nobody'))).toBe(0);
    expect(await admin.addWritePermission(uniqueName('nobody'))).toBe(0);
  });

  test('knows the addresses of a broker by its name', async () => {
    const admin = await startAdmin();
    expect(await admin.memberGroup('DefaultCluster', 'broker-a')).toEqual({
      cluster: 'DefaultCluster',
      brokerName: 'broker-a',
      brokerAddrs: { 0: rocketmq.brokerAddress },
    });
    expect(await admin.memberGroup('nowhere', 'nobody')).toEqual({
      cluster: 'nowhere',
      brokerName: 'nobody',
      brokerAddrs: {},
    });
  });
});
