import { PullConsumer } from '@dt/rocketmq-client';
import { eventually, RawConnection, startBroker, uniqueName } from '@dt/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { createTopic, Received, rocketmq, startAdmin, startConsumer, startProducer } from './support.ts';
import { ask, commands, openBroker, ResponseCode } from './wire.ts';

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

async function send(
  topic: string,
  from: number,
  to: number,
  nameServers = rocketmq.nameServer,
): Promise<void> {
  const producer = await startProducer({ nameServers });
  const outcomes = await producer.sendBatch(numbers(from, to).map((body) => ({ topic, body: `${body}` })));
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
}

const queueOf = (topic: string) => ({ topic, brokerName: 'broker-a', queueId: 0 });

/** A topic with one queue and 50 messages, and a consumer that has had them all. */
async function consumed() {
  const topic = await createTopic(1);
  const group = uniqueName('group');
  await send(topic, 0, 50);
  const received = new Received();
  const join = () =>
    startConsumer({
      ...{ group, handler: received.handler, commitIntervalMs: 50, longPollMs: 1000 },
      subscriptions: [{ topic, expression: '*' }],
    });
  const consumer = await join();
  const admin = await startAdmin();
  const committed = async (): Promise<number | undefined> =>
    (await admin.consumeStats(group, topic)).queues[0]?.consumerOffset;
  await eventually(async () => (await committed()) === 50);
  received.messages.length = 0;
  return { topic, group, received, consumer, join, admin, committed };
}

test('a running consumer is set back, and loses nothing behind the new offset', async () => {
  const { topic, group, received, admin, committed } = await consumed();
  expect(await admin.resetOffset({ group, topic, to: { queue: queueOf(topic), offset: 20 } })).toEqual([
    { queue: queueOf(topic), offset: 20 },
  ]);
  // What comes then wakes the pull that waits.
  await send(topic, 50, 60);
  await eventually(() => received.messages.length === 40);
  expect(received.bodies.map(Number)).toEqual(numbers(20, 60));
  await eventually(async () => (await committed()) === 60);

  received.messages.length = 0;
  await admin.resetOffset({ group, topic, to: 'first' });
  await send(topic, 60, 61);
  await eventually(() => received.messages.length === 61);
  expect(received.bodies.map(Number)).toEqual(numbers(0, 61));
});

test('a group that is away starts at the offset it was set to, by time and to the end, too', async () => {
  const { topic, group, received, consumer, join, admin, committed } = await consumed();
  await consumer.close();
  await admin.resetOffset({ group, topic, to: { timestamp: 1 } });
  expect(await committed()).toBe(0);
  expect(await admin.skipAccumulated(group, topic)).toEqual([{ queue: queueOf(topic), offset: 50 }]);
  expect(await committed()).toBe(50);
  await admin.resetOffset({ group, topic, to: { queue: queueOf(topic), offset: 45 } });
  await join();
  await eventually(() => received.messages.length === 5);
  expect(received.bodies.map(Number)).toEqual(numbers(45, 50));
});

test('only what is stored is changed offline, and forward only by force', async () => {
  const { topic, group, consumer, admin, committed } = await consumed();
  await consumer.close();
  const offline = { group, topic, offline: true };
  await admin.resetOffset({ ...offline, to: { queue: queueOf(topic), offset: 10 } });
  expect(await committed()).toBe(10);
  expect(await admin.resetOffset({ ...offline, to: 'last', force: false })).toEqual([
    { queue: queueOf(topic), offset: 10 },
  ]);
  expect(await committed()).toBe(10);
  await admin.resetOffset({ ...offline, to: 'last' });
  expect(await committed()).toBe(50);
  await admin.resetOffset({ ...offline, to: 'first', force: false });
  expect(await committed()).toBe(0);
});

test('a consumer that pulls is led to the new offset', async () => {
  const topic = await createTopic(1);
  const group = uniqueName('group');
  await send(topic, 0, 10);
  const consumer = new PullConsumer({ nameServers: rocketmq.nameServer, group, autoCommit: false });
  onTestFinished(() => consumer.close());
  await consumer.start();
  await consumer.assign([queueOf(topic)]);
  await consumer.seek(queueOf(topic), 'begin');
  await eventually(
    async () =>
      (await consumer.poll({ timeoutMs: 100 })).length === 0 && consumer.position(queueOf(topic)) === 10,
  );
  const admin = await startAdmin();
  await admin.resetOffset({ group, topic, to: { queue: queueOf(topic), offset: 7 } });
  await send(topic, 10, 11);
  await eventually(() => consumer.position(queueOf(topic)) <= 7);
  const got = await consumer.poll({ timeoutMs: 5000 });
  expect(got[0]?.queueOffset).toBe(7);
});

test('until the next pull the new offset holds against commits, then it is gone', async () => {
  const topic = await createTopic(1);
  const group = uniqueName('group');
  await send(topic, 0, 10);
  const broker = await openBroker();
  const at = { consumerGroup: group, topic, queueId: 0 };
  const pull = (queueOffset: number) =>
    ask(broker, commands.pullMessage, {
      ...{ ...at, queueOffset, maxMsgNums: 32, sysFlag: 4, commitOffset: 0, suspendTimeoutMillis: 0 },
      ...{ subVersion: 0, subscription: '*', expressionType: 'TAG' },
    });
  expect((await pull(0)).code).toBe(0);
  expect((await ask(broker, commands.updateConsumerOffset, { ...at, commitOffset: 9 })).code).toBe(0);
  const reset = { topic, group, timestamp: 0, isForce: true };
  const { code, response } = await ask(broker, commands.invokeBrokerToResetOffset, {
    ...{ ...reset, queueId: 0, offset: 4 },
  });
  expect([code, response()]).toEqual([0, { offsets: [{ queue: queueOf(topic), offset: 4 }] }]);
  const stored = async () => (await ask(broker, commands.queryConsumerOffset, at)).response().offset;
  expect(await stored()).toBe(4);
  const refused = await ask(broker, commands.updateConsumerOffset, { ...at, commitOffset: 8 });
  expect([refused.code, refused.remark]).toEqual([0, 'Offset has been previously reset']);
  expect(await stored()).toBe(4);
  const led = await pull(4);
  expect([led.code, led.remark, led.response().nextBeginOffset, led.response().maxOffset]).toEqual([
    ...[ResponseCode.PULL_OFFSET_MOVED, 'OFFSET_RESET', 4, 10],
  ]);
  expect((await pull(4)).code).toBe(0);
  expect((await ask(broker, commands.updateConsumerOffset, { ...at, commitOffset: 8 })).remark ?? '').toBe(
    '',
  );
  expect(await stored()).toBe(8);
});

test('resets that cannot be meant are refused', async () => {
  const topic = await createTopic(1);
  const group = uniqueName('group');
  const broker = await openBroker();
  const reset = (fields: object) =>
    ask(broker, commands.invokeBrokerToResetOffset, {
      ...{ topic, group, timestamp: 0, isForce: true, ...fields },
    }).then(({ code, remark }) => [code, remark]);
  expect(await reset({ topic: 'nowhere' })).toEqual([
    ResponseCode.TOPIC_NOT_EXIST,
    'Topic nowhere does not exist',
  ]);
  expect(await reset({})).toEqual([
    ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
    `Group ${group} does not exist`,
  ]);
  const admin = await startAdmin();
  await admin.createSubscriptionGroup({ group });
  expect(await reset({ queueId: 0, offset: 5 })).toEqual([
    1,
    'Target offset 5 not in consume queue range [0-0]',
  ]);
  await expect(admin.resetOffset({ group, topic, to: { timestamp: -5 } })).rejects.toMatchObject({
    code: 'options-invalid',
  });
});

test('the members of a group say how far they are', async () => {
  const { topic, group, consumer, admin } = await consumed();
  const progress = [{ clientId: consumer.clientId, offsets: [{ queue: queueOf(topic), offset: 50 }] }];
  expect(await admin.consumerStatus(group, topic)).toEqual(progress);
  expect(await admin.consumerStatus(group, topic, consumer.clientId)).toEqual(progress);
  expect(await admin.consumerStatus(group, topic, 'somebody else')).toEqual([]);
  await expect(admin.consumerStatus(uniqueName('nobody'), topic)).rejects.toMatchObject({ responseCode: 1 });
});

test.skipIf(rocketmq.external)(
  'a broker that leaves it to the clients has them do it, and stores it when there are none',
  async () => {
    const broker = await startBroker(rocketmq.target, {
      brokerConfig: { useServerSideResetOffset: 'false' },
    });
    onTestFinished(() => broker.close());
    await using connection = await RawConnection.open(broker.brokerAddress);
    const topic = uniqueName('topic');
    const admin = await startAdmin(broker.nameServer);
    await admin.createTopic({ topic, readQueueNums: 1, writeQueueNums: 1 });
    await send(topic, 0, 20, broker.nameServer);
    const group = uniqueName('group');
    const received = new Received();
    const consumer = await startConsumer({
      ...{ nameServers: broker.nameServer, group, handler: received.handler, commitIntervalMs: 50 },
      subscriptions: [{ topic, expression: '*' }],
    });
    const committed = async (): Promise<number | undefined> =>
      (await admin.consumeStats(group, topic)).queues[0]?.consumerOffset;
    await eventually(async () => (await committed()) === 20);
    received.messages.length = 0;
    expect(await admin.resetOffset({ group, topic, to: 'first' })).toEqual([
      { queue: queueOf(topic), offset: 0 },
    ]);
    await eventually(() => received.messages.length === 20);
    await eventually(async () => (await committed()) === 20);

    await consumer.close();
    const request = { topic, group, timestamp: 0, isForce: true };
    const { code } = await ask(connection, commands.invokeBrokerToResetOffset, request);
    expect(code).toBe(ResponseCode.CONSUMER_NOT_ONLINE);
    await admin.resetOffset({ group, topic, to: 'first' });
    expect(await committed()).toBe(0);
  },
);
