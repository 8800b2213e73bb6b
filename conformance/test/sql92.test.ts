import { PullConsumer, PushConsumer } from '@dt/rocketmq-client';
import { eventually, protocol, startBroker, uniqueName } from '@dt/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createTopic, Received, rocketmq, startConsumer, startProducer, startPulling } from './support.ts';
import {
  ask,
  awaitStored,
  commands,
  done,
  makeTopic,
  openBroker,
  pullRequest,
  ResponseCode,
  sendRequest,
} from './wire.ts';

const { SUBSCRIPTION, SUSPEND } = protocol.PullSysFlag;
const sql = (topic: string, expression: string): protocol.SubscriptionData =>
  protocol.sqlSubscriptionOf(topic, expression, Date.now());
const bySql = (subscription: string): Partial<Parameters<typeof pullRequest>[1]> => ({
  subscription,
  expressionType: 'SQL92',
});
const bodiesOf = ({ body }: { body: Buffer }): string[] =>
  protocol.decodeStoredMessages(body).map((message) => message.body.toString());

/** Sends to queue 0; the body names the message. */
async function send(
  broker: Awaited<ReturnType<typeof openBroker>>,
  topic: string,
  body: string,
  properties: Record<string, string>,
): Promise<void> {
  const text = protocol.encodeProperties(properties);
  await done(broker, commands.sendMessageV2, sendRequest(topic, body, { properties: text }));
}

describe('a consumer that chooses by property', () => {
  test('is given the messages that fulfil its condition, in order, and no others', async () => {
    const topic = await createTopic(1);
    const producer = await startProducer();
    const messages = [
      { body: 'small', tag: 'paid', properties: { region: 'eu', amount: '10' } },
      { body: 'large', tag: 'paid', properties: { region: 'eu', amount: '150.5' } },
      { body: 'open', tag: 'open', properties: { region: 'eu', amount: '999' } },
      { body: 'far', tag: 'paid', properties: { region: 'us', amount: '200' } },
      { body: 'no number', tag: 'paid', properties: { region: 'eu', amount: 'much' } },
      { body: 'no amount', tag: 'paid', properties: { region: 'eu' } },
      { body: 'last', tag: 'paid', properties: { region: 'eu', amount: '1e3' } },
    ];
    for (const message of messages) await producer.send({ topic, ...message });
    const received = new Received();
    const expression = "TAGS = 'paid' AND region IN ('eu', 'uk') AND amount > 100.5";
    const consumer = await startConsumer({
      subscriptions: [{ topic, expression, type: 'SQL92' }],
      handler: received.handler,
    });
    await eventually(() => received.messages.length >= 2);
    expect(received.bodies).toEqual(['large', 'last']);
    // Also what comes while it waits, and what was passed by counts as done.
    await producer.send({ topic, body: 'passed by', properties: { region: 'us', amount: '500' } });
    await producer.send({ topic, tag: 'paid', body: 'late', properties: { region: 'uk', amount: '101' } });
    await eventually(() => received.messages.length >= 3);
    expect(received.bodies).toEqual(['large', 'last', 'late']);
    await eventually(async () => {
      const lags = await consumer.lag();
      return lags.filter(({ queue }) => queue.topic === topic).every(({ lag }) => lag === 0);
    });
  });

  test('can choose in the queues it is assigned, and keeps them when the condition cannot be read', async () => {
    const topic = await createTopic(1);
    const producer = await startProducer();
    for (const n of [1, 2, 3, 4])
      await producer.send({ topic, tag: 'T', body: `${n}`, properties: { n: `${n}` } });
    const consumer = await startPulling();
    const queues = await consumer.topicQueues(topic);
    await consumer.assign(queues, { type: 'SQL92', expression: "TAGS = 'T' AND n BETWEEN 2 AND 3" });
    const bodies: string[] = [];
    await eventually(async () => {
      bodies.push(...(await consumer.poll()).map(({ body }) => body.toString()));
      return bodies.length >= 2;
    });
    expect(bodies).toEqual(['2', '3']);
    // A pull with such a condition would be answered with everything.
    await expect(consumer.assign(queues, { type: 'SQL92', expression: 'n >' })).rejects.toMatchObject({
      code: 'broker-error',
      responseCode: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    });
    await expect(consumer.assign(queues, { type: 'SQL92', expression: '' })).rejects.toMatchObject({
      code: 'options-invalid',
    });
    expect(consumer.queues).toEqual(queues);
    await producer.send({ topic, tag: 'T', body: 'none', properties: { n: '9' } });
    await producer.send({ topic, tag: 'T', body: 'late', properties: { n: '2' } });
    await eventually(async () => {
      bodies.push(...(await consumer.poll()).map(({ body }) => body.toString()));
      return bodies.length >= 3;
    });
    expect(bodies).toEqual(['2', '3', 'late']);
  });

  test('is refused at its start when the condition cannot be read', async () => {
    const topic = await createTopic(1);
    const consumer = new PushConsumer({
      nameServers: rocketmq.nameServer,
      group: uniqueName('group'),
      subscriptions: [{ topic, expression: 'amount >', type: 'SQL92' }],
      handler: async () => undefined,
    });
    onTestFinished(() => consumer.close());
    await expect(consumer.start()).rejects.toMatchObject({
      code: 'broker-error',
      retryable: false,
      responseCode: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    });
  });
});

test('a pull consumer chooses by property, too', async () => {
  const topic = await createTopic(1);
  const producer = await startProducer();
  for (const n of ['1', '2', '3']) await producer.send({ topic, body: n, properties: { n } });
  const consumer = new PullConsumer({
    nameServers: rocketmq.nameServer,
    group: uniqueName('group'),
    from: 'first',
    subscriptions: [{ topic, expression: 'n <> 2', type: 'SQL92' }],
  });
  onTestFinished(() => consumer.close());
  await consumer.start();
  const got: string[] = [];
  await eventually(async () => {
    got.push(...(await consumer.poll()).map(({ body }) => body.toString()));
    return got.length >= 2;
  });
  expect(got).toEqual(['1', '3']);
});

describe('the check of a subscription', () => {
  test.each([
    ['an SQL92 condition', sql('T', 'a > 1'), ResponseCode.SUCCESS],
    ['tags', protocol.subscriptionOf('T', 'a || b', 1), ResponseCode.SUCCESS],
    ['no subscription', undefined, ResponseCode.SUCCESS],
    ['half a condition', sql('T', 'a >'), ResponseCode.SUBSCRIPTION_PARSE_FAILED],
    ['!=, which is not in the dialect', sql('T', 'a != 1'), ResponseCode.SUBSCRIPTION_PARSE_FAILED],
    [
      'a type nobody knows',
      { ...sql('T', 'a > 1'), expressionType: 'XPATH' },
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    ],
  ])('of %s', async (_, subscription, code) => {
    const broker = await openBroker();
    const request = { clientId: 'c', group: 'g', subscription };
    expect((await ask(broker, commands.checkClientConfig, request)).code).toBe(code);
  });
});

describe('a pull by property', () => {
  test('passes by what is not wanted, and says how far it has looked', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    for (let i = 0; i < 6; i++) await send(broker, topic, String(i), { n: String(i), TAGS: 'x' });
    await awaitStored(broker, topic, 0, 6);
    const some = await done(
      broker,
      commands.pullMessage,
      pullRequest(topic, bySql("n BETWEEN 2 AND 3 AND TAGS = 'x'")),
    );
    expect(bodiesOf(some)).toEqual(['2', '3']);
    expect(some.nextBeginOffset).toBe(6);
    const two = await done(
      broker,
      commands.pullMessage,
      pullRequest(topic, { ...bySql('n > 0'), maxMsgNums: 2 }),
    );
    expect(bodiesOf(two)).toEqual(['1', '2']);
    expect(two.nextBeginOffset).toBe(3);
    const none = await ask(broker, commands.pullMessage, pullRequest(topic, bySql('n > 10')));
    expect(none.code).toBe(ResponseCode.PULL_RETRY_IMMEDIATELY);
    expect(none.response().nextBeginOffset).toBe(6);
  });

  test('that may wait is answered by the next message it wants', async () => {
    const broker = await openBroker();
    const other = await openBroker();
    const topic = await makeTopic(broker, 1);
    const request = pullRequest(topic, {
      ...bySql('n = 2'),
      sysFlag: SUSPEND | SUBSCRIPTION,
      suspendTimeoutMillis: 10_000,
    });
    const waiting = broker.request(
      protocol.RequestCode.PULL_MESSAGE,
      commands.pullMessage.encodeRequest(request),
      { timeoutMs: 16_000 },
    );
    await done(broker, commands.getMaxOffset, { topic, queueId: 0 });
    await send(other, topic, '1', { n: '1' });
    await awaitStored(other, topic, 0, 1);
    await send(other, topic, '2', { n: '2' });
    let answer = await waiting;
    // Every 5 s a broker tells its waiting peers how far it has looked.
    if (answer.code === ResponseCode.PULL_RETRY_IMMEDIATELY)
      answer = await broker.request(
        protocol.RequestCode.PULL_MESSAGE,
        commands.pullMessage.encodeRequest({ ...request, queueOffset: 1 }),
        { timeoutMs: 16_000 },
      );
    expect(answer.code).toBe(ResponseCode.SUCCESS);
    const { body, nextBeginOffset } = commands.pullMessage.decodeResponse(answer);
    expect(bodiesOf({ body })).toEqual(['2']);
    expect(nextBeginOffset).toBe(2);
  });

  test('uses the condition of the heartbeat, and is refused when that cannot be read or is older', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    for (const n of ['1', '2']) await send(broker, topic, n, { n });
    await awaitStored(broker, topic, 0, 2);
    const pullAfter = async (
      subscription: protocol.SubscriptionData,
      subVersion = subscription.subVersion,
    ) => {
      const group = uniqueName('group');
      const consumer: protocol.ConsumerData = {
        ...{ groupName: group, consumeType: 'CONSUME_PASSIVELY', messageModel: 'CLUSTERING' },
        ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', unitMode: false, subscriptions: [subscription] },
      };
      const heartbeat = { clientId: group, producerGroups: [], consumers: [consumer] };
      await done(broker, commands.heartBeat, heartbeat);
      const request = pullRequest(topic, { consumerGroup: group, sysFlag: 0, subVersion });
      return ask(broker, commands.pullMessage, request);
    };
    const good = await pullAfter(sql(topic, 'n = 2'));
    expect(bodiesOf(good.response())).toEqual(['2']);
    expect((await pullAfter(sql(topic, 'n ='))).code).toBe(ResponseCode.FILTER_DATA_NOT_EXIST);
    const older = sql(topic, 'n = 2');
    expect((await pullAfter(older, older.subVersion + 1)).code).toBe(ResponseCode.SUBSCRIPTION_NOT_LATEST);
  });

  test('whose own condition cannot be read gets everything, and one without a condition is refused', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    await send(broker, topic, '1', { n: '1' });
    await awaitStored(broker, topic, 0, 1);
    expect(bodiesOf(await done(broker, commands.pullMessage, pullRequest(topic, bySql('n ='))))).toEqual([
      '1',
    ]);
    const unknown = { subscription: 'n = 2', expressionType: 'XPATH' };
    expect(bodiesOf(await done(broker, commands.pullMessage, pullRequest(topic, unknown)))).toEqual(['1']);
    const empty = await ask(broker, commands.pullMessage, pullRequest(topic, bySql('')));
    expect(empty.code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
  });
});

// A broker as nobody has changed it, which a cluster that runs elsewhere may not be.
describe.skipIf(rocketmq.external)('a broker without a property filter', () => {
  test('refuses conditions, at the start of a consumer and at a pull', async () => {
    await using broker = await startBroker(rocketmq.target);
    const topic = await createTopic(1, broker.brokerAddress);
    const consumer = new PushConsumer({
      nameServers: broker.nameServer,
      group: uniqueName('group'),
      subscriptions: [{ topic, expression: 'n = 1', type: 'SQL92' }],
      handler: async () => undefined,
    });
    onTestFinished(() => consumer.close());
    await expect(consumer.start()).rejects.toMatchObject({
      code: 'broker-error',
      retryable: false,
      responseCode: ResponseCode.SYSTEM_ERROR,
    });
    await expect(consumer.start()).rejects.toThrow(/does not support consumer to filter message by SQL92/);
  });
});
