import { eventually, RawConnection, uniqueName } from '@dt/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { createTopic, rocketmq, startAdmin, startConsumer, startProducer } from './support.ts';
import { ask, commands, ResponseCode } from './wire.ts';

test('a consumer tells an admin what it does, and its figures', async () => {
  const topic = await createTopic(2);
  const group = uniqueName('group');
  let fails = true;
  const consumer = await startConsumer({
    ...{ group, onError: 'suspend', suspendMs: 50, commitIntervalMs: 50, concurrency: 7 },
    subscriptions: [{ topic, expression: 'a || b' }],
    handler: async () => {
      if (fails) throw new Error('not yet');
    },
  });
  const producer = await startProducer();
  await producer.sendBatch(
    Array.from({ length: 20 }, (_, i) => ({ topic, tag: 'a', shardingKey: `${i}`, body: `${i}` })),
  );
  const admin = await startAdmin();
  const ours = async (stack = false) => {
    const info = await admin.consumerRunningInfo(group, consumer.clientId, { stack });
    const queues = info.queues.filter(({ queue }) => queue.topic === topic);
    return { info, queues, figures: info.topics.find((status) => status.topic === topic) };
  };
  const failing = await eventually(async () => {
    const now = await ours(true);
    return (
      now.queues.reduce((sum, { cachedMessages }) => sum + cachedMessages, 0) === 20 &&
      (now.figures?.consumeFailedMessages ?? 0) > 0 &&
      now
    );
  });
  expect(failing.info.properties).toMatchObject({
    ...{ PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY', PROP_CONSUMEORDERLY: 'false' },
    ...{ PROP_THREADPOOL_CORE_SIZE: '7', PROP_NAMESERVER_ADDR: `${rocketmq.nameServer};` },
    ...{ PROP_CLIENT_VERSION: 'V5_3_0', consumerGroup: group },
  });
  expect(failing.info.subscriptions.find((subscription) => subscription.topic === topic)?.tagsSet).toEqual([
    ...['a', 'b'],
  ]);
  expect(failing.queues.map(({ commitOffset, cachedMinOffset }) => [commitOffset, cachedMinOffset])).toEqual([
    [0, 0],
    [0, 0],
  ]);
  expect(failing.info.stack).toMatch(new RegExp(`${topic} broker-a 0: .*messages held`));

  fails = false;
  const done = await eventually(async () => {
    const now = await ours();
    return now.queues.reduce((sum, { commitOffset }) => sum + commitOffset, 0) === 20 && now;
  });
  expect(done.queues.map(({ cachedMessages }) => cachedMessages)).toEqual([0, 0]);
  expect(done.figures?.consumeOkTps).toBeGreaterThan(0);
  expect(done.figures?.pullTps).toBeGreaterThan(0);
  expect(done.info.stack).toBeUndefined();
  expect(done.queues.every(({ lastConsumeTimestamp }) => Date.now() - lastConsumeTimestamp < 60_000)).toBe(
    true,
  );
});

test('one message is handled at once by the member that is named, and the offsets stay', async () => {
  const topic = await createTopic(1);
  const group = uniqueName('group');
  const got: string[] = [];
  let outcome: 'good' | 'later' | 'bad' = 'good';
  const consumer = await startConsumer({
    ...{ group, commitIntervalMs: 50, subscriptions: [{ topic, expression: '*' }] },
    handler: async (messages) => {
      got.push(...messages.map(({ body }) => body.toString()));
      if (outcome === 'bad') throw new Error('no good');
      return { failed: outcome === 'later' ? messages : [] };
    },
  });
  const producer = await startProducer();
  const { offsetMessageId } = await producer.send({ topic, body: 'once more' });
  await eventually(() => got.length === 1);
  const admin = await startAdmin();
  const direct = () => admin.consumeDirectly(group, consumer.clientId, topic, offsetMessageId);
  expect(await direct()).toMatchObject({ consumeResult: 'CR_SUCCESS', order: false, autoCommit: true });
  outcome = 'later';
  expect(await direct()).toMatchObject({ consumeResult: 'CR_LATER' });
  outcome = 'bad';
  expect(await direct()).toMatchObject({ consumeResult: 'CR_THROW_EXCEPTION', remark: 'no good' });
  expect(got).toEqual(['once more', 'once more', 'once more', 'once more']);
  await eventually(async () => (await admin.consumeStats(group, topic)).queues[0]?.consumerOffset === 1);
});

test('who is not there, or does not answer, is told by the code', async () => {
  const topic = await createTopic(1);
  const group = uniqueName('group');
  const admin = await startAdmin();
  const member = await RawConnection.open(rocketmq.brokerAddress);
  onTestFinished(() => member.close());
  await ask(member, commands.heartBeat, {
    clientId: 'silent',
    producerGroups: [],
    consumers: [
      {
        ...{ groupName: group, consumeType: 'CONSUME_PASSIVELY', messageModel: 'CLUSTERING' },
        ...{ consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET', unitMode: false, subscriptions: [] },
      },
    ],
  });
  const { brokerAddress } = rocketmq;
  const silent = admin.consumerRunningInfo(group, 'silent', { brokerAddress });
  const late = expect(silent).rejects.toMatchObject({
    ...{ code: 'broker-error', responseCode: ResponseCode.CONSUME_MSG_TIMEOUT },
  });
  await expect(admin.consumerRunningInfo(group, 'nobody', { brokerAddress })).rejects.toMatchObject({
    responseCode: 1,
    message: expect.stringContaining(`The Consumer <${group}> <nobody> not online`) as string,
  });
  const producer = await startProducer();
  const { offsetMessageId } = await producer.send({ topic, body: 'x' });
  await expect(admin.consumeDirectly(group, 'nobody', topic, offsetMessageId)).rejects.toMatchObject({
    responseCode: 1,
  });
  await expect(admin.consumeDirectly(group, 'nobody', topic, 'no id')).rejects.toMatchObject({
    code: 'options-invalid',
  });
  await late;
});
