import { protocol, uniqueName } from '@dt/testkit';
import { describe, expect, test } from 'vitest';
import { createTopic, rocketmq, startAdmin, startProducer } from './support.ts';
import { readQueue } from './wire.ts';

describe('a broker', () => {
  test('tells its configuration and lets part of it change', async () => {
    const admin = await startAdmin();
    const before = await admin.brokerConfig(rocketmq.brokerAddress);
    expect(before).toMatchObject({
      brokerName: 'broker-a',
      brokerClusterName: 'DefaultCluster',
      brokerId: '0',
      autoCreateTopicEnable: 'true',
      brokerPermission: '6',
      flushDiskType: 'ASYNC_FLUSH',
    });
    await admin.updateBrokerConfig(rocketmq.brokerAddress, {
      defaultQueryMaxNum: '33',
      nobodyKnows: 'x',
      traceTopicEnable: 'false',
    });
    const after = await admin.brokerConfig(rocketmq.brokerAddress);
    expect(after['defaultQueryMaxNum']).toBe('33');
    expect(after).not.toHaveProperty('nobodyKnows');
    await admin.updateBrokerConfig(rocketmq.brokerAddress, { defaultQueryMaxNum: '32' });
    expect((await admin.brokerConfig(rocketmq.brokerAddress))['defaultQueryMaxNum']).toBe('32');
    await expect(
      admin.updateBrokerConfig(rocketmq.brokerAddress, { rocketmqHome: '/elsewhere' }),
    ).rejects.toMatchObject({ responseCode: 16 });
  });

  test('does what it is told to clean', async () => {
    const admin = await startAdmin();
    const producer = await startProducer();
    const topic = await createTopic(1);
    await producer.send({ topic, body: 'x' });
    await admin.cleanUnusedTopics(rocketmq.brokerAddress);
    await admin.deleteExpiredCommitLog(rocketmq.brokerAddress);
    await admin.cleanExpiredConsumeQueue(rocketmq.brokerAddress);
    expect(await readQueue(topic, 0, { atLeast: 1 })).toHaveLength(1);
  });

  test('shows the index of a queue', async () => {
    const admin = await startAdmin();
    const producer = await startProducer();
    const topic = await createTopic(1);
    const queue = { topic, brokerName: 'broker-a', queueId: 0 };
    for (const tag of ['red', 'blue', 'red']) await producer.send({ topic, tag, body: tag });
    const stored = await readQueue(topic, 0, { atLeast: 3 });
    const group = uniqueName('nobody');
    const part = await admin.queryConsumeQueue(queue, 1, 10, { group });
    expect(part).toEqual({
      minOffset: 0,
      maxOffset: 3,
      entries: stored.slice(1).map((message) => ({
        physicalOffset: message.physicalOffset,
        sizeBytes: message.sizeBytes,
        tagHash: protocol.javaStringHashCode(message.properties['TAGS'] ?? ''),
      })),
      filterData: `${group}@${topic} is not online!`,
    });
    expect((await admin.queryConsumeQueue(queue, 0, 2))?.entries).toHaveLength(2);
    expect(await admin.queryConsumeQueue(queue, 99, 2)).toBeUndefined();
  });

  test('counts the delayed messages it has delivered', async () => {
    const admin = await startAdmin();
    const levels = await admin.delayOffsets(rocketmq.brokerAddress);
    for (const [level, delivered] of Object.entries(levels)) {
      expect(Number(level)).toBeGreaterThanOrEqual(1);
      expect(delivered).toBeGreaterThanOrEqual(0);
    }
  });
});
