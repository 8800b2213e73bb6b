import { Admin, type ClientOptions, type Producer, PushConsumer, SendError } from '@dt/rocketmq-client';
import {
  eventually,
  protocol,
  RawConnection,
  startBroker,
  uniqueName,
  type RunningBroker,
} from '@dt/testkit';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Received, rocketmq, startConsumer, startProducer } from './support.ts';
import { pullRequest, sendRequest, topicRequest } from './wire.ts';

const { commands, RequestCode, ResponseCode, retryTopic, signRequest } = protocol;

/** The rules of the containers, just as they are. */
const aclFile = fileURLToPath(new URL('../../docker/plain_acl.yml', import.meta.url));
const topic = 'dt_settle';
const group = 'game-consumer';
const application = { accessKey: 'rocketmq', secretKey: 'rocketmq123' };
const operator = { accessKey: 'rocketmq-admin', secretKey: 'change-me-admin' };
// The first retry (level 3) comes after a second.
const messageDelayLevel = '1s 5s 1s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';
const EXCEPTION = 'org.apache.rocketmq.acl.common.AclException: ';

// The rules of a cluster that runs elsewhere cannot be changed from here.
describe.skipIf(rocketmq.external)('a broker with the access control of docker/plain_acl.yml', () => {
  let broker: RunningBroker;
  beforeAll(async () => {
    broker = await startBroker(rocketmq.target, { aclFile, messageDelayLevel });
    await withAdmin(operator, (admin) => admin.createTopic({ topic, readQueueNums: 4, writeQueueNums: 4 }));
  });
  afterAll(() => broker.close());

  async function withAdmin<T>(
    credentials: ClientOptions['credentials'],
    work: (admin: Admin) => Promise<T>,
  ): Promise<T> {
    await using admin = new Admin({ nameServers: broker.nameServer, ...(credentials && { credentials }) });
    await admin.start();
    return await work(admin);
  }

  const producer = (credentials?: ClientOptions['credentials']): Promise<Producer> =>
    startProducer({ nameServers: broker.nameServer, ...(credentials && { credentials }) });

  /** The refusal of one send. */
  async function refusedSend(
    credentials: ClientOptions['credentials'],
    message: Parameters<Producer['send']>[0],
  ): Promise<SendError> {
    const error: unknown = await (
      await producer(credentials)
    )
      .send(message)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SendError);
    return error as SendError;
  }

  test('lets the application send, receive and commit', async () => {
    const received = new Received();
    await startConsumer({
      nameServers: broker.nameServer,
      credentials: application,
      group,
      subscriptions: [{ topic, expression: '*' }],
      handler: received.handler,
    });
    const sender = await producer(application);
    await sender.send({ topic, shardingKey: 'player-1', body: 'single' });
    const outcomes = await sender.sendBatch([
      { topic, shardingKey: 'player-1', body: 'batch 1' },
      { topic, shardingKey: 'player-1', body: 'batch 2' },
    ]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true]);
    await eventually(() => received.bodies.length >= 3);
    expect(received.bodies).toEqual(['single', 'batch 1', 'batch 2']);
    const stats = await withAdmin(application, (admin) => admin.topicStats(topic));
    expect(stats).toBeDefined();
  });

  test('lets the application give messages back and receive them again', async () => {
    const attempts: string[] = [];
    const body = uniqueName('again');
    const consumer = new PushConsumer({
      nameServers: broker.nameServer,
      credentials: application,
      group,
      subscriptions: [{ topic, expression: 'again' }],
      from: 'first',
      handler: async (messages) => {
        for (const message of messages) attempts.push(message.body.toString());
        if (attempts.length === 1) throw new Error('once more');
      },
    });
    onTestFinished(() => consumer.close());
    await consumer.start();
    await (await producer(application)).send({ topic, tag: 'again', body });
    await eventually(() => attempts.length >= 2, { timeoutMs: 60_000, what: 'the second delivery' });
    expect(attempts).toEqual([body, body]);
  });

  test.each([
    ['no account', undefined, 'No accessKey is configured'],
    ['a wrong key', { ...application, accessKey: 'nobody-here' }, 'No acl config for nobody-here'],
    [
      'a wrong secret',
      { ...application, secretKey: 'rocketmq124' },
      'Check signature failed for accessKey=rocketmq',
    ],
  ])('refuses a sender with %s, once', async (_what, credentials, text) => {
    const error = await refusedSend(credentials, { topic, body: 'x' });
    expect(error).toMatchObject({
      code: 'access-denied',
      retryable: false,
      outcome: 'rejected',
      attempts: 1,
      responseCode: ResponseCode.SYSTEM_ERROR,
    });
    expect(error.message).toContain(EXCEPTION + text);
  });

  test('refuses a topic the account has no right to, once, also in a batch', async () => {
    const other = uniqueName('other');
    const denied = { code: 'access-denied', retryable: false, attempts: 1 };
    const text = `${EXCEPTION}No default permission for topic:${other}`;
    const error = await refusedSend(application, { topic: other, body: 'x' });
    expect(error).toMatchObject(denied);
    expect(error.message).toContain(text);
    const outcomes = await (
      await producer(application)
    ).sendBatch([
      { topic: other, shardingKey: 'one', body: 'x' },
      { topic: other, shardingKey: 'one', body: 'y' },
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ ok: false, error: denied });
      expect(!outcome.ok && outcome.error.message).toContain(text);
    }
  });

  test('refuses a consumer of a group the account has no right to', async () => {
    const other = uniqueName('other');
    const consumer = new PushConsumer({
      nameServers: broker.nameServer,
      credentials: application,
      group: other,
      subscriptions: [{ topic, expression: '*' }],
      handler: async () => undefined,
    });
    onTestFinished(() => consumer.close());
    await expect(consumer.start()).rejects.toMatchObject({
      code: 'access-denied',
      retryable: false,
      message: expect.stringContaining(`${EXCEPTION}No default permission for group:${other}`) as string,
    });
  });

  test('lets only the admin account create topics', async () => {
    const other = uniqueName('other');
    const create = (admin: Admin) => admin.createTopic({ topic: other });
    await expect(withAdmin(application, create)).rejects.toMatchObject({
      code: 'access-denied',
      retryable: false,
      message: expect.stringContaining(
        `${EXCEPTION}Need admin permission for request code=${RequestCode.UPDATE_AND_CREATE_TOPIC}, but accessKey=rocketmq is not`,
      ) as string,
    });
    await withAdmin(operator, create);
    // An admin account needs no rights on topics.
    await (await producer(operator)).send({ topic: other, body: 'x' });
  });

  test('leaves the NameServer open to everybody', async () => {
    const names = await withAdmin(undefined, (admin) => admin.topicList());
    expect(names).toContain(topic);
    await withAdmin(undefined, (admin) => admin.topicRoute(topic));
  });

  test('checks each request as far as a plain account goes', async () => {
    await using connection = await RawConnection.open(broker.brokerAddress);
    const remark = async (code: number, payload: Partial<protocol.CommandPayload>): Promise<string> => {
      const { extFields = {}, body = Buffer.alloc(0) } = payload;
      const answer = await connection.request(code, {
        extFields: signRequest(extFields, body, application),
        body,
      });
      const text = answer.remark ?? '';
      return answer.code === ResponseCode.SYSTEM_ERROR && text.startsWith(EXCEPTION)
        ? // A real broker ends it with a line of its source.
          (text.slice(EXCEPTION.length).split(', org.apache.')[0] as string)
        : 'passed';
    };
    const ask = <Request, Response>(
      codec: protocol.commands.CommandCodec<Request, Response>,
      request: Request,
    ) => remark(codec.code, codec.encodeRequest(request));
    const heartbeat = (consumerGroup: string, topics: string[]) =>
      ask(commands.heartBeat, {
        clientId: uniqueName('client'),
        producerGroups: ['game-producer'],
        consumers: [
          {
            groupName: consumerGroup,
            consumeType: 'CONSUME_PASSIVELY',
            messageModel: 'CLUSTERING',
            consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
            unitMode: false,
            subscriptions: topics.map((name) => protocol.subscriptionOf(name, '*', 1)),
          },
        ],
      });
    const send = (to: string) => ask(commands.sendMessageV2, sendRequest(to, 'x'));
    const pull = (from: string, by: string) =>
      ask(commands.pullMessage, pullRequest(from, { consumerGroup: by }));

    expect({
      send: await send('other'),
      'send to a trace topic': await send('RMQ_SYS_TRACE_TOPIC'),
      'send to the own retry topic': await send(retryTopic(group)),
      'send to another retry topic': await send(retryTopic('others')),
      pull: await pull(topic, group),
      'pull another topic': await pull('other', group),
      'pull by another group': await pull(topic, 'others'),
      heartbeat: await heartbeat(group, [topic, retryTopic(group)]),
      'heartbeat with another topic': await heartbeat(group, ['other']),
      'heartbeat of another group': await heartbeat('others', [topic]),
      'unregister a producer': await ask(commands.unregisterClient, { clientID: 'c', producerGroup: 'any' }),
      'unregister from another group': await ask(commands.unregisterClient, {
        clientID: 'c',
        consumerGroup: 'others',
      }),
      'members of another group': await ask(commands.getConsumerListByGroup, { consumerGroup: 'others' }),
      'offset of another group': await ask(commands.updateConsumerOffset, {
        consumerGroup: 'others',
        topic,
        queueId: 0,
        commitOffset: 0,
      }),
      'send back for another group': await ask(commands.consumerSendMessageBack, {
        group: 'others',
        offset: 0,
        delayLevel: 0,
      }),
      'create a topic': await ask(commands.updateAndCreateTopic, topicRequest('other')),
      'broker information': await remark(RequestCode.GET_BROKER_RUNTIME_INFO, {}),
      'an unknown request': await remark(4711, {}),
    }).toEqual({
      send: 'No default permission for topic:other',
      'send to a trace topic': 'passed',
      'send to the own retry topic': 'passed',
      'send to another retry topic': 'No default permission for group:others',
      pull: 'passed',
      'pull another topic': 'No default permission for topic:other',
      'pull by another group': 'No default permission for group:others',
      heartbeat: 'passed',
      'heartbeat with another topic': 'No default permission for topic:other',
      'heartbeat of another group': 'No default permission for group:others',
      'unregister a producer': 'passed',
      'unregister from another group': 'No default permission for group:others',
      'members of another group': 'No default permission for group:others',
      'offset of another group': 'No default permission for group:others',
      'send back for another group': 'No default permission for group:others',
      'create a topic': 'Need admin permission for request code=17, but accessKey=rocketmq is not',
      'broker information': 'passed',
      'an unknown request': 'passed',
    });
  });

  test('finds new rights in its file without a restart, for clients that are there already', async () => {
    const other = uniqueName('granted');
    const sender = await producer(application);
    const denied = { code: 'access-denied' };
    await expect(sender.send({ topic: other, body: 'x' })).rejects.toMatchObject(denied);

    const rules = await readFile(aclFile, 'utf8');
    const widened = rules.replace(`- ${topic}=PUB|SUB`, `- ${topic}=PUB|SUB\n      - ${other}=PUB`);
    expect(widened).not.toBe(rules);
    await broker.replaceAcl(widened);
    await eventually(
      () =>
        sender.send({ topic: other, body: 'x' }).then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject(denied);
            return false;
          },
        ),
      { timeoutMs: 30_000, intervalMs: 250, what: 'the new right' },
    );

    await broker.replaceAcl(rules);
    await eventually(
      () =>
        sender.send({ topic: other, body: 'x' }).then(
          () => false,
          (error: unknown) => (error as SendError).code === 'access-denied',
        ),
      { timeoutMs: 30_000, intervalMs: 250, what: 'the end of the right' },
    );
  });
});
