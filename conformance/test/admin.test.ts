import { RocketMQError } from '@dt/rocketmq-client';
import { eventually, uniqueName } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, Received, rocketmq, startAdmin, startConsumer, startProducer } from './support.ts';

async function failure(work: Promise<unknown>): Promise<RocketMQError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RocketMQError);
  return error as RocketMQError;
}

test('a topic is made, listed, counted and deleted', async () => {
  const admin = await startAdmin();
  const producer = await startProducer();
  const topic = uniqueName('topic');
  await admin.createTopic({ topic, readQueueNums: 3, writeQueueNums: 3 });
  expect(await admin.topicList()).toContain(topic);
  const queues = [0, 1, 2].map((queueId) => ({ topic, brokerName: 'broker-a', queueId }));
  expect(await admin.topicRoute(topic)).toMatchObject({ writableQueues: queues, readableQueues: queues });

  const outcomes = await producer.sendBatch(
    Array.from({ length: 30 }, (_, i) => ({ topic, body: String(i) })),
  );
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
  const stats = await eventually(async () => {
    const counted = await admin.topicStats(topic);
    return counted.reduce((sum, { maxOffset }) => sum + maxOffset, 0) === 30 && counted;
  });
  expect(stats.map(({ queue }) => queue.queueId).sort()).toEqual([0, 1, 2]);

  // A real broker can crash when a topic is deleted milliseconds after a message was stored in it.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await admin.deleteTopic(topic);
  expect(await admin.topicList()).not.toContain(topic);
  expect(await failure(admin.topicRoute(topic))).toMatchObject({ code: 'topic-not-found' });
});

test('what is asked for an unknown topic or an illegal one fails by name', async () => {
  const admin = await startAdmin();
  expect(await failure(admin.topicRoute(uniqueName('nowhere')))).toMatchObject({ code: 'topic-not-found' });
  expect(await failure(admin.topicStats(uniqueName('nowhere')))).toMatchObject({ code: 'topic-not-found' });
  expect(await failure(admin.createTopic({ topic: 'no blanks allowed' }))).toMatchObject({
    retryable: false,
  });
  expect(await failure(admin.createTopic({ topic: 'TBW102' }))).toMatchObject({
    outcome: 'rejected',
    responseCode: 1,
  });
});

test('the cluster names its broker', async () => {
  const admin = await startAdmin();
  const { clusters, brokers } = await admin.clusterInfo();
  expect(clusters['DefaultCluster']).toContain('broker-a');
  expect(brokers['broker-a']?.brokerAddrs).toEqual({ 0: rocketmq.brokerAddress });
  const figures = await admin.brokerRuntimeInfo(rocketmq.brokerAddress);
  expect(figures['brokerVersionDesc']).toBe('V5_3_0');
  expect(Number(figures['bootTimestamp'])).toBeGreaterThan(0);
});

test('the progress of a group is known while it works and while it is away', async () => {
  const admin = await startAdmin();
  const producer = await startProducer();
  const topic = await createTopic(4);
  const group = uniqueName('group');
  const send = (count: number) =>
    producer.sendBatch(
      Array.from({ length: count }, (_, i) => ({ topic, shardingKey: `k${i % 7}`, body: String(i) })),
    );
  const progress = async (): Promise<{ stored: number; consumed: number }> => {
    const { queues } = await admin.consumeStats(group, topic);
    const sum = (field: 'brokerOffset' | 'consumerOffset'): number =>
      queues.reduce((total, queue) => total + queue[field], 0);
    return { stored: sum('brokerOffset'), consumed: sum('consumerOffset') };
  };

  const received = new Received();
  const consumer = await startConsumer({
    group,
    subscriptions: [{ topic, expression: '*' }],
    handler: received.handler,
    commitIntervalMs: 100,
  });
  await send(50);
  await eventually(() => received.messages.length === 50);
  await eventually(async () => expect(await progress()).toEqual({ stored: 50, consumed: 50 }));

  // A group is found by the route of its retry topic, which the broker may tell of a moment after it has made it.
  await eventually(async () => expect((await admin.consumerConnections(group))?.connections).toHaveLength(1));
  const online = await admin.consumerConnections(group);
  expect(online?.connections[0]?.version).toBe(473);
  expect(online?.subscriptions.map((subscription) => subscription.topic)).toContain(topic);

  await consumer.close();
  expect(await admin.consumerConnections(group)).toBeUndefined();
  await send(20);
  await eventually(async () => expect(await progress()).toEqual({ stored: 70, consumed: 50 }));
  const { queues } = await admin.consumeStats(group, topic);
  for (const { brokerOffset, consumerOffset, lastTimestamp } of queues) {
    expect(brokerOffset).toBeGreaterThanOrEqual(consumerOffset);
    if (consumerOffset > 0) expect(lastTimestamp).toBeGreaterThan(0);
  }
});
