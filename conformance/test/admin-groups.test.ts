import type { GroupRetryPolicy } from '@dt/rocketmq-client';
import { eventually, uniqueName } from '@dt/testkit';
import { describe, expect, test } from 'vitest';
import { createTopic, Received, rocketmq, startAdmin, startConsumer, startProducer } from './support.ts';

describe('a consumer group', () => {
  test('has what it was made with, until it is deleted', async () => {
    const admin = await startAdmin();
    const group = uniqueName('group');
    expect(await admin.subscriptionGroup(rocketmq.brokerAddress, group)).toBeUndefined();
    const groupRetryPolicy: GroupRetryPolicy = {
      type: 'EXPONENTIAL',
      exponentialRetryPolicy: { initial: 1000, max: 60_000, multiplier: 3 },
    };
    await admin.createSubscriptionGroup({
      ...{ group, retryMaxTimes: 3, retryQueueNums: 2, consumeEnable: false, groupRetryPolicy },
    });
    const config = await admin.subscriptionGroup(rocketmq.brokerAddress, group);
    expect(config).toMatchObject({
      groupName: group,
      retryMaxTimes: 3,
      retryQueueNums: 2,
      consumeEnable: false,
      groupRetryPolicy,
      consumeBroadcastEnable: true,
      consumeTimeoutMinute: 15,
    });
    const all = await admin.subscriptionGroups(rocketmq.brokerAddress);
    expect(all.find(({ groupName }) => groupName === group)).toEqual(config);
    expect(all.map(({ groupName }) => groupName)).toContain('TOOLS_CONSUMER');
    await admin.deleteSubscriptionGroup(group, { clusterName: 'DefaultCluster' });
    await admin.deleteSubscriptionGroup(group, { brokerAddress: rocketmq.brokerAddress });
    expect(await admin.subscriptionGroup(rocketmq.brokerAddress, group)).toBeUndefined();
  });

  test('leaves offsets, which can be told, measured in time, cloned and cleaned', async () => {
    const admin = await startAdmin();
    const producer = await startProducer();
    const topic = await createTopic(1);
    const [group, copy] = [uniqueName('group'), uniqueName('copy')];
    const queue = { topic, brokerName: 'broker-a', queueId: 0 };
    const received = new Received();
    const first = await producer.send({ topic, body: '0' });
    for (let i = 1; i < 5; i++) await producer.send({ topic, body: String(i) });
    const consumer = await startConsumer({
      group,
      subscriptions: [{ topic, expression: '*' }],
      handler: received.handler,
      commitIntervalMs: 50,
    });
    await eventually(() => received.messages.length === 5);
    await consumer.close();
    await producer.send({ topic, body: '5' });
    await eventually(async () => (await admin.maxOffset(queue)) === 6);

    expect(await admin.groupsOfTopic(topic)).toEqual([group]);
    expect(await admin.topicsOfGroup(group)).toContain(topic);
    const offsets = await admin.allConsumerOffsets(rocketmq.brokerAddress);
    expect(offsets).toContainEqual({ topic, group, offsets: { 0: 5 } });

    const [span] = await admin.consumeTimeSpan(group, topic);
    const message = await admin.messageById(first.offsetMessageId);
    expect(span).toMatchObject({ queue, minTimestamp: message?.storeTimestamp });
    expect(span?.consumeTimestamp).toBeGreaterThanOrEqual(span?.minTimestamp ?? 0);
    expect(span?.maxTimestamp).toBeGreaterThanOrEqual(span?.consumeTimestamp ?? 0);
    expect(span?.delayMs).toBeGreaterThanOrEqual(0);
    expect(span?.delayMs).toBeLessThan(60_000);

    const stats = await admin.brokerConsumeStats(rocketmq.brokerAddress);
    expect(stats.brokerAddr).toBe(rocketmq.brokerAddress);
    const ours = stats.groups.find((entry) => entry.group === group)?.topics.flatMap(({ queues }) => queues);
    expect(ours?.find((entry) => entry.queue.topic === topic)).toMatchObject({
      queue,
      brokerOffset: 6,
      consumerOffset: 5,
    });
    expect(stats.totalDiff).toBeGreaterThanOrEqual(1);
    const ordered = await admin.brokerConsumeStats(rocketmq.brokerAddress, { orderedOnly: true });
    expect(ordered.groups.find((entry) => entry.group === group)?.topics).toEqual([]);

    await admin.cloneGroupOffset(group, copy, { topic });
    expect(await admin.groupsOfTopic(topic)).toEqual([copy, group].sort());
    await admin.deleteSubscriptionGroup(group, { cleanOffset: true });
    expect(await admin.groupsOfTopic(topic)).toEqual([copy]);
  });

  test('that never consumed is as far behind as the first message is old', async () => {
    const admin = await startAdmin();
    const producer = await startProducer();
    const topic = await createTopic(2);
    const sent = await producer.send({ topic, body: 'x' });
    await eventually(async () => (await admin.maxOffset(sent.queue)) === 1);
    const spans = await admin.consumeTimeSpan(uniqueName('nobody'), topic);
    const stored = spans.find(({ queue }) => queue.queueId === sent.queue.queueId);
    expect(stored?.minTimestamp).toBeGreaterThan(0);
    expect(stored).toMatchObject({
      consumeTimestamp: stored?.minTimestamp,
      maxTimestamp: stored?.minTimestamp,
    });
    const empty = spans.find(({ queue }) => queue.queueId !== sent.queue.queueId);
    expect(empty).toMatchObject({ minTimestamp: -1, maxTimestamp: -1, consumeTimestamp: -1 });
    await expect(admin.consumeTimeSpan('group', uniqueName('nowhere'))).rejects.toMatchObject({
      code: 'topic-not-found',
    });
  });
});

test('producers are known as long as they are connected', async () => {
  const admin = await startAdmin();
  const topic = await createTopic(1);
  const group = uniqueName('producer');
  const producer = await startProducer({ group });
  await producer.send({ topic, body: 'x' });
  const [connection, ...others] = await eventually(async () => {
    const connections = await admin.producerConnections(group, topic);
    return connections.length > 0 && connections;
  });
  expect(others).toEqual([]);
  expect(connection).toMatchObject({
    version: 473,
    clientAddr: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as unknown,
  });
  await producer.close();
  await eventually(async () => (await admin.producerConnections(group, topic)).length === 0);
});
