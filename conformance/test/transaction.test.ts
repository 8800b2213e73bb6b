import { PushConsumer, TransactionProducer, type TransactionState } from '@dt/rocketmq-client';
import {
  eventually,
  protocol,
  RawConnection,
  startBroker,
  uniqueName,
  type RunningBroker,
} from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createTopic, Received, rocketmq } from './support.ts';
import { ask, commands, done, makeTopic, readQueue, sendRequest } from './wire.ts';

const { TRANSACTION_COMMIT, TRANSACTION_ROLLBACK } = protocol.MessageSysFlag;
const TIME_OUT_MS = 2000;
const CHECK_INTERVAL_MS = 2000;
const CHECK_MAX = 5;
/** Checks are counted while no producer is there, too: more than fit into the stop and start of a broker. */
const CHECKS_ENOUGH = 1000;
/** A round comes up to 3 s late on a real broker, and the first one after a start later still. */
const WITHIN_MS = 40_000;

type Sent = protocol.commands.SendMessageResponse;
type EndRequest = Parameters<typeof commands.endTransaction.encodeRequest>[0];

// Its own broker, with short times: and one that runs elsewhere could not be crashed.
describe.skipIf(rocketmq.external)('transactional messages', () => {
  let broker: RunningBroker;
  beforeAll(async () => {
    broker = await startBroker(rocketmq.target, {
      transactions: { timeOutMs: TIME_OUT_MS, checkIntervalMs: CHECK_INTERVAL_MS, checkMax: CHECKS_ENOUGH },
    });
  });
  afterAll(() => broker.close());

  type Checker = ConstructorParameters<typeof TransactionProducer>[0]['checker'];

  async function startProducer(
    checker: Checker,
    group = uniqueName('producer'),
  ): Promise<TransactionProducer> {
    const producer = new TransactionProducer({ nameServers: broker.nameServer, group, checker });
    onTestFinished(() => producer.close());
    await producer.start();
    return producer;
  }

  /** Everything a consumer of the topic is given. */
  async function receive(topic: string): Promise<Received> {
    const received = new Received();
    const consumer = new PushConsumer({
      nameServers: broker.nameServer,
      group: uniqueName('group'),
      from: 'first',
      subscriptions: [{ topic, expression: '*' }],
      handler: received.handler,
    });
    onTestFinished(() => consumer.close());
    await consumer.start();
    return received;
  }

  async function connect(): Promise<RawConnection> {
    const connection = await RawConnection.open(broker.brokerAddress);
    onTestFinished(() => connection.close());
    return connection;
  }

  function stored(topic: string, atLeast = 0, queueId = 0): Promise<protocol.StoredMessage[]> {
    return readQueue(topic, queueId, { atLeast, brokerAddress: broker.brokerAddress });
  }

  /** A half message of a hand-made peer, whose id is its body. */
  function sendHalf(
    connection: RawConnection,
    topic: string,
    producerGroup: string,
    body: string,
    properties: Record<string, string> = {},
  ): Promise<Sent> {
    const all = { TRAN_MSG: 'true', PGROUP: producerGroup, UNIQ_KEY: body, ...properties };
    return done(
      connection,
      commands.sendMessageV2,
      sendRequest(topic, body, {
        producerGroup,
        sysFlag: protocol.MessageSysFlag.TRANSACTION_PREPARED,
        properties: protocol.encodeProperties(all),
      }),
    );
  }

  function endOf(sent: Sent, producerGroup: string, commitOrRollback: number): EndRequest {
    return {
      producerGroup,
      tranStateTableOffset: sent.queueOffset,
      commitLogOffset: protocol.decodeOffsetMessageId(sent.msgId).physicalOffset,
      commitOrRollback,
      fromTransactionCheck: false,
      msgId: sent.transactionId ?? '',
    };
  }

  /** Makes the peer a member of the producer group, to be asked. */
  function join(connection: RawConnection, group: string): Promise<unknown> {
    const heartbeat = { clientId: uniqueName('client'), producerGroups: [group], consumers: [] };
    return done(connection, commands.heartBeat, heartbeat);
  }

  test.each([
    ['is killed', (): Promise<void> => broker.killBroker()],
    ['is shut down', (): Promise<void> => broker.stopBroker()],
  ])('are asked about when the broker %s and another producer of the group is there', async (_, takeAway) => {
    const topic = await createTopic(1, broker.brokerAddress);
    const group = uniqueName('producer');
    const before = await connect();
    for (const body of ['yes', 'no']) await sendHalf(before, topic, group, body);
    const ended = await sendHalf(before, topic, group, 'ended');
    const end = endOf(ended, group, TRANSACTION_COMMIT);
    expect(await ask(before, commands.endTransaction, end)).toMatchObject({ code: 0 });
    await stored(topic, 1);
    // A real broker writes down only a moment later that it has ended; until then it would ask again.
    await eventually(async () => {
      const notes = await stored('RMQ_SYS_TRANS_OP_HALF_TOPIC');
      const ids = notes.flatMap(({ body }) => body.toString().split(','));
      return ids.includes(String(ended.queueOffset));
    });
    await takeAway();
    await before.closed;
    await broker.startBroker();

    const asked: string[] = [];
    await startProducer(async ({ body }) => {
      asked.push(body.toString());
      return body.toString() === 'no' ? 'rollback' : 'commit';
    }, group);
    await eventually(() => asked.includes('yes') && asked.includes('no'), { timeoutMs: WITHIN_MS });
    const messages = await eventually(async () => (await stored(topic)).length >= 2 && stored(topic), {
      timeoutMs: WITHIN_MS,
    });
    expect(messages.map(({ body }) => body.toString())).toEqual(['ended', 'yes']);
    expect(asked).not.toContain('ended');
  });

  test('are seen once when committed, with the properties of a message, and not before', async () => {
    const topic = await createTopic(1, broker.brokerAddress);
    const received = await receive(topic);
    const asked: string[] = [];
    const producer = await startProducer(async ({ messageId }) => {
      asked.push(messageId);
      return 'commit';
    });
    const sent = await producer.sendInTransaction(
      { topic, tag: 'a', keys: 'k1', body: 'hello', properties: { traceparent: '00-1' } },
      async (message, { messageId }) => {
        expect(message.topic).toBe(topic);
        expect(messageId).not.toBe('');
        expect(await stored(topic)).toEqual([]);
        return 'commit';
      },
    );
    expect(sent).toMatchObject({ state: 'commit', status: 'SEND_OK', queue: { topic, queueId: 0 } });
    await eventually(() => received.messages.length === 1);
    expect(received.messages[0]).toMatchObject({
      ...{ topic, tag: 'a', keys: ['k1'], messageId: sent.messageId, queueOffset: 0 },
      properties: { traceparent: '00-1', TRAN_MSG: 'true' },
    });
    const [message] = await stored(topic, 1);
    expect(message).toMatchObject({ sysFlag: TRANSACTION_COMMIT, queueId: 0 });

    // Two further messages later, with a check in between, it is still alone.
    await producer.sendInTransaction({ topic, body: 'unknown' }, async () => 'unknown');
    await eventually(() => received.messages.length === 2, { timeoutMs: WITHIN_MS });
    expect(received.bodies).toEqual(['hello', 'unknown']);
    expect(asked).not.toContain(sent.messageId);
  });

  test('are never seen when rolled back, nor asked about again', async () => {
    const topic = await createTopic(1, broker.brokerAddress);
    const asked: string[] = [];
    const producer = await startProducer(async ({ body }) => {
      asked.push(body.toString());
      return 'commit';
    });
    await producer.sendInTransaction({ topic, body: 'no' }, async () => 'rollback');
    await producer.sendInTransaction({ topic, body: 'later' }, async () => 'unknown');
    const messages = await eventually(async () => (await stored(topic, 0)).length > 0 && stored(topic, 1), {
      timeoutMs: WITHIN_MS,
    });
    expect(messages.map(({ body }) => body.toString())).toEqual(['later']);
    expect(new Set(asked)).toEqual(new Set(['later']));
  });

  test('whose local function throws are decided by the checker', async () => {
    const topic = await createTopic(1, broker.brokerAddress);
    const received = await receive(topic);
    const asked: { id: string; topic: string; body: string; tag: string | undefined }[] = [];
    const producer = await startProducer(async ({ messageId: id, topic, body, tag }) => {
      asked.push({ id, topic, body: body.toString(), tag });
      return asked.length < 2 ? 'unknown' : 'commit';
    });
    const lost = new Error('the database did not answer');
    const large = 'x'.repeat(10_000);
    const sent = await producer.sendInTransaction({ topic, tag: 'a', body: large }, async () => {
      throw lost;
    });
    expect(sent).toMatchObject({ state: 'unknown', error: lost });
    await eventually(() => received.messages.length > 0, { timeoutMs: WITHIN_MS });
    expect(received.bodies).toEqual([large]);
    expect(asked).toEqual(
      Array.from({ length: 2 }, () => ({ id: sent.messageId, topic, body: large, tag: 'a' })),
    );
  });

  test('of a long local function are not asked about where it runs', async () => {
    const topic = await createTopic(1, broker.brokerAddress);
    const asked: string[] = [];
    const group = uniqueName('producer');
    const producer = await startProducer(async ({ body }) => {
      asked.push(body.toString());
      return 'rollback';
    }, group);
    // Until the broker has asked: each question appends the half message once more.
    const copies = async (): Promise<number> => {
      const halves = await stored('RMQ_SYS_TRANS_HALF_TOPIC');
      return halves.filter(({ properties }) => properties['PGROUP'] === group).length;
    };
    await producer.sendInTransaction({ topic, body: 'long' }, async () => {
      await eventually(async () => (await copies()) >= 2, { timeoutMs: WITHIN_MS });
      return 'commit';
    });
    const [message] = await stored(topic, 1);
    expect(message?.body.toString()).toBe('long');
    expect(asked).toEqual([]);
  });

  test('of a producer that is gone are answered by the next one of the group', async () => {
    const topic = await createTopic(1, broker.brokerAddress);
    const group = uniqueName('producer');
    const first = await startProducer(async () => 'rollback', group);
    const given: unknown = await first
      .sendInTransaction({ topic, body: 'left' }, (_, { signal }) => {
        void first.close();
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      })
      .catch((error: unknown) => error);
    expect(given).toMatchObject({ code: 'closed', outcome: 'unknown' });
    expect(await stored(topic)).toEqual([]);

    const asked: string[] = [];
    await startProducer(async ({ body }) => {
      asked.push(body.toString());
      return 'commit';
    }, group);
    const messages = await eventually(async () => (await stored(topic)).length > 0 && stored(topic), {
      timeoutMs: WITHIN_MS,
    });
    expect(messages.map(({ body }) => body.toString())).toEqual(['left']);
    expect(asked).toEqual(['left']);
  });

  test('lie in the half topic as the real ones do', async () => {
    const connection = await connect();
    const topic = await makeTopic(connection, 3);
    const group = uniqueName('producer');
    const before = (await stored('RMQ_SYS_TRANS_HALF_TOPIC')).length;
    const sent = await done(
      connection,
      commands.sendMessageV2,
      sendRequest(topic, 'm', {
        producerGroup: group,
        queueId: 2,
        sysFlag: protocol.MessageSysFlag.TRANSACTION_PREPARED,
        properties: protocol.encodeProperties({ TRAN_MSG: 'true', PGROUP: group, UNIQ_KEY: 'u1' }),
      }),
    );
    expect(sent).toMatchObject({ queueId: 2, transactionId: 'u1' });
    const halves = await stored('RMQ_SYS_TRANS_HALF_TOPIC', before + 1);
    const half = halves.find(({ queueOffset }) => queueOffset === sent.queueOffset);
    expect(half).toMatchObject({
      ...{ queueId: 0, sysFlag: 0, preparedTransactionOffset: 0 },
      properties: {
        ...{ REAL_TOPIC: topic, REAL_QID: '2', PGROUP: group, TRAN_MSG: 'true' },
        ...{ UNIQ_KEY: 'u1', __transactionId__: 'u1' },
      },
    });
    const end = endOf(sent, group, TRANSACTION_COMMIT);
    expect(await ask(connection, commands.endTransaction, end)).toMatchObject({ code: 0 });
    const [message] = await stored(topic, 1, 2);
    expect(message).toMatchObject({
      ...{ queueId: 2, sysFlag: TRANSACTION_COMMIT, preparedTransactionOffset: end.commitLogOffset },
      properties: { UNIQ_KEY: 'u1', PGROUP: group },
    });
  });

  test('are ended only by their group, with the offsets of a copy', async () => {
    const connection = await connect();
    const topic = await makeTopic(connection, 1);
    const group = uniqueName('producer');
    const sent = await sendHalf(connection, topic, group, 'm');
    const plain = await done(connection, commands.sendMessageV2, sendRequest(topic, 'plain'));
    const end = endOf(sent, group, TRANSACTION_COMMIT);
    const wrong: [Partial<EndRequest>, RegExp][] = [
      [{ producerGroup: uniqueName('other') }, /producer group wrong/],
      [{ tranStateTableOffset: end.tranStateTableOffset + 1 }, /state table offset wrong/],
      [{ commitLogOffset: 60_000_000 }, /Find prepared transaction message failed/],
      [endOf(plain, group, TRANSACTION_COMMIT), /./],
      [{ commitOrRollback: 4 }, /commitOrRollback field wrong/],
    ];
    for (const [fields, remark] of wrong) {
      const answer = await ask(connection, commands.endTransaction, { ...end, ...fields });
      expect(answer).toMatchObject({ code: 1, remark: expect.stringMatching(remark) as string });
    }
    expect(await ask(connection, commands.endTransaction, end)).toMatchObject({ code: 0 });
    const messages = await stored(topic, 2);
    expect(messages.map(({ body }) => body.toString())).toEqual(['plain', 'm']);
  });

  test('give no answer to an end that says it does not know', async () => {
    const connection = await connect();
    const topic = await makeTopic(connection, 1);
    const group = uniqueName('producer');
    const sent = await sendHalf(connection, topic, group, 'm');
    const { code, encodeRequest } = commands.endTransaction;
    await expect(
      connection.request(code, encodeRequest(endOf(sent, group, 0)), { timeoutMs: 1000 }),
    ).rejects.toThrow(/no answer/);
    const end = endOf(sent, group, TRANSACTION_ROLLBACK);
    expect(await ask(connection, commands.endTransaction, end)).toMatchObject({ code: 0 });
    expect(await stored(topic)).toEqual([]);
  });

  test('with a time of their own take no end of the producer after it, but one of a check', async () => {
    const connection = await connect();
    const topic = await makeTopic(connection, 1);
    const group = uniqueName('producer');
    const sent = await sendHalf(connection, topic, group, 'm', { CHECK_IMMUNITY_TIME_IN_SECONDS: '3' });
    const end = endOf(sent, group, TRANSACTION_COMMIT);
    await eventually(async () => {
      const late = { ...end, producerGroup: 'any', commitOrRollback: TRANSACTION_ROLLBACK };
      const { code } = await ask(connection, commands.endTransaction, late);
      return code === protocol.ResponseCode.ILLEGAL_OPERATION;
    });
    expect(await ask(connection, commands.endTransaction, end)).toMatchObject({
      code: protocol.ResponseCode.ILLEGAL_OPERATION,
    });
    const fromCheck = { ...end, fromTransactionCheck: true };
    expect(await ask(connection, commands.endTransaction, fromCheck)).toMatchObject({ code: 0 });
    await stored(topic, 1);
  });

  describe('that nobody decides', () => {
    let patientBroker: RunningBroker;
    beforeAll(async () => {
      patientBroker = broker;
      broker = await startBroker(rocketmq.target, {
        transactions: { timeOutMs: TIME_OUT_MS, checkIntervalMs: CHECK_INTERVAL_MS, checkMax: CHECK_MAX },
      });
    });
    afterAll(async () => {
      await broker.close();
      broker = patientBroker;
    });

    test('are asked about by one-way requests with the offsets of a new copy, and then given up', async () => {
      const connection = await connect();
      const topic = await makeTopic(connection, 2);
      const group = uniqueName('producer');
      await join(connection, group);
      const sent = await sendHalf(connection, topic, group, group, { TAGS: 'a' });
      const checks = await eventually(
        () => connection.requestsOfPeer.length >= CHECK_MAX && connection.requestsOfPeer,
        { timeoutMs: WITHIN_MS, what: `${CHECK_MAX} checks` },
      );
      const offsets = checks.map((request, n) => {
        expect(request).toMatchObject({ code: 39, flag: 2 });
        const header = commands.checkTransactionState.decodeRequest(request);
        expect(header).toMatchObject({
          ...{
            topic: 'RMQ_SYS_TRANS_HALF_TOPIC',
            msgId: group,
            transactionId: group,
            brokerName: 'broker-a',
          },
        });
        const { physicalOffset } = protocol.decodeOffsetMessageId(header.offsetMsgId ?? '');
        expect(header.commitLogOffset).toBe(physicalOffset);
        const [message, ...others] = protocol.decodeStoredMessages(header.body);
        expect(others).toEqual([]);
        expect(message).toMatchObject({
          ...{ topic, queueId: 0, physicalOffset, queueOffset: header.tranStateTableOffset },
          properties: { TAGS: 'a', PGROUP: group, TRANSACTION_CHECK_TIMES: String(n + 1) },
        });
        expect(message?.body.toString()).toBe(group);
        return header.tranStateTableOffset;
      });
      const all = [sent.queueOffset, ...offsets];
      expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));

      await eventually(
        async () => {
          const given = await stored('TRANS_CHECK_MAX_TIME_TOPIC');
          return given.some(({ properties }) => properties['PGROUP'] === group);
        },
        { timeoutMs: WITHIN_MS },
      );
      expect(connection.requestsOfPeer).toHaveLength(CHECK_MAX);
      expect(await stored(topic)).toEqual([]);

      // An operator has them asked about once more, from the beginning.
      const given = await stored('TRANS_CHECK_MAX_TIME_TOPIC');
      const message = given.find(({ properties }) => properties['PGROUP'] === group);
      const msgId = message === undefined ? '' : protocol.encodeOffsetMessageId(message);
      await done(connection, commands.resumeCheckHalfMessage, { msgId });
      const again = await eventually(
        () => connection.requestsOfPeer.length > CHECK_MAX && connection.requestsOfPeer.at(-1),
        { timeoutMs: WITHIN_MS, what: 'a check of the half message that was put back' },
      );
      const header = commands.checkTransactionState.decodeRequest(again);
      const [copy] = protocol.decodeStoredMessages(header.body);
      expect(copy).toMatchObject({ topic, properties: { PGROUP: group, TRANSACTION_CHECK_TIMES: '1' } });
      await done(connection, commands.endTransaction, {
        ...endOf(sent, group, TRANSACTION_COMMIT),
        ...{ tranStateTableOffset: header.tranStateTableOffset, commitLogOffset: header.commitLogOffset },
        fromTransactionCheck: true,
      });
      expect((await stored(topic, 1)).map(({ body }) => body.toString())).toEqual([group]);
    });

    test('are put back by the id that tells where they are, and nothing else is', async () => {
      const connection = await connect();
      for (const msgId of [undefined, 'no id', '7F00000100002A9F0000000000FFFFFF'])
        expect((await ask(connection, commands.resumeCheckHalfMessage, { msgId })).code).toBe(1);
    });
  });

  test('are told apart: of many, each is ended as its own function says', async () => {
    const topic = await createTopic(1, broker.brokerAddress);
    const states: TransactionState[] = ['commit', 'rollback', 'unknown'];
    const producer = await startProducer(async ({ body }) =>
      Number(body.toString()) % 2 === 0 ? 'commit' : 'rollback',
    );
    const numbers = Array.from({ length: 60 }, (_, i) => i);
    await Promise.all(
      numbers.map((n) =>
        producer.sendInTransaction({ topic, body: String(n) }, async () => states[n % 3] ?? 'unknown'),
      ),
    );
    const wanted = numbers.filter((n) => n % 3 === 0 || (n % 3 === 2 && n % 2 === 0));
    const messages = await eventually(
      async () => (await stored(topic)).length >= wanted.length && stored(topic),
      { timeoutMs: WITHIN_MS },
    );
    const seen = messages.map(({ body }) => Number(body.toString())).sort((a, b) => a - b);
    expect(seen).toEqual(wanted);
  });
});
