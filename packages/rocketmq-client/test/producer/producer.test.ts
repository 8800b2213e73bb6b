import { describe, expect, it } from 'vitest';
import {
  commands,
  decodeBatchBody,
  decodeProperties,
  isOneway,
  MessageSysFlag,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { Producer, type ProducerOptions, SendError } from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { deadAddress } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';

const { SEND_MESSAGE_V2, SEND_BATCH_MESSAGE } = RequestCode;

async function producerOn(
  cluster: ScriptedCluster,
  options: Partial<ProducerOptions> = {},
): Promise<Producer> {
  const producer = new Producer({ nameServers: cluster.address, group: 'PG', retryPauseMs: 20, ...options });
  await producer.start();
  return producer;
}

async function failure(promise: Promise<unknown>): Promise<SendError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SendError);
  return error as SendError;
}

describe('options of a producer', () => {
  it.each([
    [{ group: '' }, 'group: "" is not allowed'],
    [{ group: 'DEFAULT_PRODUCER' }, 'group'],
    [{ nameServers: '' }, 'nameServers'],
    [{ nameServers: ['localhost'] }, 'nameServers: "localhost" is not allowed, expected host:port'],
    [{ maxAttempts: 0 }, 'maxAttempts: 0 is not allowed, expected an integer from 1 to 100'],
    [{ sendTimeoutMs: Number.NaN }, 'sendTimeoutMs'],
    [{ maxBatchBytes: 4 * 1024 * 1024 }, 'maxBatchBytes'],
    [{ lingerMs: -1 }, 'lingerMs: -1 is not allowed'],
    [{ whenFull: 'drop' as 'wait' }, 'whenFull: "drop" is not allowed, expected one of wait, error'],
    [{ avoidSlowBrokers: 1 as unknown as boolean }, 'avoidSlowBrokers'],
    [{ namespace: 'a%b' }, 'namespace: "a%b" is not allowed'],
    [{ namespace: 'n'.repeat(64), group: 'g'.repeat(200) }, 'characters with the namespace'],
    [{ unitName: 'a@b' }, 'unitName: "a@b" is not allowed'],
    [{ messageTrace: { topic: 'a b' } }, 'messageTrace'],
    [{ traceContext: 'x' as unknown as () => undefined }, 'traceContext'],
    [{ credentials: { accessKey: 'a', secretKey: '' } }, 'credentials.secretKey'],
  ])('%j are refused', (options, text) => {
    expect(() => new Producer({ nameServers: 'localhost:9876', group: 'PG', ...options })).toThrow(text);
  });

  it('put the unit at the end of the client id, as Java does', () => {
    const options = { nameServers: 'localhost:9876', group: 'PG' };
    expect(new Producer({ ...options, unitName: 'east' }).clientId).toMatch(/^[\d.]+@[\d#a-f]+@east$/);
    expect(new Producer(options).clientId).toMatch(/^[\d.]+@[\d#a-f]+$/);
  });

  it('take NameServers as a list and as one text', () => {
    expect(() => new Producer({ nameServers: 'a:1;b:2', group: 'PG' })).not.toThrow();
    expect(() => new Producer({ nameServers: ['a:1', 'b:2'], group: 'PG' })).not.toThrow();
  });
});

describe('a one-way send', () => {
  it('resolves without an answer and asks for none', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    cluster.on(SEND_MESSAGE_V2, () => undefined);
    await using producer = await producerOn(cluster);
    await producer.sendOneWay({ topic: 'T', tag: 'A', shardingKey: 'k', body: 'x' });
    await until(() => cluster.server.requestsOf(SEND_MESSAGE_V2).length === 1, 'the message');
    const request = cluster.server.requestsOf(SEND_MESSAGE_V2)[0] as RemotingCommand;
    expect(isOneway(request)).toBe(true);
    const { topic, properties } = commands.sendMessageV2.decodeRequest(request);
    expect(topic).toBe('T');
    expect(decodeProperties(properties ?? '')).toMatchObject({ TAGS: 'A', __SHARDINGKEY: 'k' });
  });

  it('waits while the broker takes nothing in, and gives up in time without having sent', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.on(SEND_MESSAGE_V2, () => undefined);
    await using producer = await producerOn(cluster, { compressFromBytes: 10_000_000, closeTimeoutMs: 100 });
    await producer.send({ topic: 'T', body: 'x' }, { timeoutMs: 50 }).catch(() => undefined);
    for (const { socket } of cluster.server.peers) socket.pause();
    const message = { topic: 'T', body: Buffer.alloc(4 * 1024 * 1024, 'x') };
    let taken = 0;
    const error = await failure(
      (async () => {
        for (; taken < 100; taken++) await producer.sendOneWay(message, { timeoutMs: 300 });
      })(),
    );
    expect(error).toMatchObject({ code: 'timeout', retryable: true, outcome: 'not-sent', attempts: 1 });
    expect(taken).toBeLessThan(10);
    // What was waiting goes on when the broker does.
    for (const { socket } of cluster.server.peers) socket.resume();
    await producer.sendOneWay(message, { timeoutMs: 10_000 });
    await until(() => cluster.server.requestsOf(SEND_MESSAGE_V2).length === taken + 2, 'what was taken');
  });

  it('is refused like others when it can never be stored, has no route, or comes at the wrong time', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const producer = new Producer({ nameServers: cluster.address, group: 'PG' });
    expect((await failure(producer.sendOneWay({ topic: 'T', body: 'x' }))).code).toBe('not-started');
    await producer.start();
    expect((await failure(producer.sendOneWay({ topic: 'T', body: '' }))).code).toBe('message-invalid');
    expect((await failure(producer.sendOneWay({ topic: 'U', body: 'x' }))).code).toBe('topic-not-found');
    const signal = AbortSignal.abort();
    const aborted = await failure(producer.sendOneWay({ topic: 'T', body: 'x' }, { signal }));
    expect(aborted).toMatchObject({ code: 'aborted', outcome: 'not-sent' });
    await producer.close();
    expect((await failure(producer.sendOneWay({ topic: 'T', body: 'x' }))).code).toBe('closed');
  });
});

describe('the life of a producer', () => {
  it('fails to start clearly without NameServers, and starts when they come', async () => {
    const producer = new Producer({ nameServers: await deadAddress(), group: 'PG' });
    await expect(producer.start()).rejects.toMatchObject({ code: 'name-server-unreachable' });
    expect((await failure(producer.send({ topic: 'T', body: 'x' }))).code).toBe('not-started');
    await producer.close();
    expect((await failure(producer.send({ topic: 'T', body: 'x' }))).code).toBe('closed');
  });

  it('waits for a send under way and takes itself out of its group', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const producer = await producerOn(cluster);
    cluster.on(SEND_MESSAGE_V2, (request, peer) => setTimeout(() => cluster.accept(request, peer), 100));
    const sending = producer.send({ topic: 'T', body: 'x' });
    await until(() => cluster.server.requestsOf(SEND_MESSAGE_V2).length === 1, 'the send');
    await producer.close();
    await expect(sending).resolves.toMatchObject({ status: 'SEND_OK' });
    const [unregister] = cluster.server.requestsOf(RequestCode.UNREGISTER_CLIENT);
    expect(unregister?.extFields).toMatchObject({ clientID: producer.clientId, producerGroup: 'PG' });
  });

  it('rejects what is not answered when the time to close is over', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const producer = await producerOn(cluster, { closeTimeoutMs: 50, sendTimeoutMs: 20_000 });
    cluster.on(SEND_MESSAGE_V2, () => undefined);
    const error = failure(producer.send({ topic: 'T', body: 'x' }));
    await until(() => cluster.server.requestsOf(SEND_MESSAGE_V2).length === 1, 'the send');
    await producer.close();
    expect(await error).toMatchObject({ code: 'closed', outcome: 'unknown', retryable: true });
  });

  it('refuses more sends under way than allowed', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster, {
      maxPendingMessages: 1,
      whenFull: 'error',
      closeTimeoutMs: 10,
    });
    cluster.on(SEND_MESSAGE_V2, () => undefined);
    const first = failure(producer.send({ topic: 'T', body: 'x' }));
    expect(await failure(producer.send({ topic: 'T', body: 'x' }))).toMatchObject({
      code: 'overloaded',
      outcome: 'not-sent',
    });
    await producer.close();
    await first;
  });
});

describe('send', () => {
  it('writes tag, keys, sharding key and own properties', async () => {
    await using cluster = await ScriptedCluster.start({ T: 4 });
    await using producer = await producerOn(cluster);
    const result = await producer.send({
      ...{ topic: 'T', tag: 'a', keys: ['k1', 'k2'], shardingKey: 'Aa', body: 'hello' },
      ...{ properties: { traceparent: '00-1' }, delayLevel: 3 },
    });
    const [request] = cluster.server.requestsOf(SEND_MESSAGE_V2);
    const sent = request && commands.sendMessageV2.decodeRequest(request);
    expect(sent).toMatchObject({
      producerGroup: 'PG',
      topic: 'T',
      queueId: 2112 % 4,
      defaultTopic: 'TBW102',
      batch: false,
    });
    expect({ ...decodeProperties(sent?.properties ?? '') }).toEqual({
      ...{
        TAGS: 'a',
        KEYS: 'k1 k2',
        __SHARDINGKEY: 'Aa',
        traceparent: '00-1',
        DELAY: '3',
        UNIQ_KEY: result.messageId,
      },
    });
    expect(result).toMatchObject({
      queue: { topic: 'T', brokerName: 'broker-a', queueId: 0 },
      queueOffset: 0,
    });
  });

  it('takes queues in turn for messages without a key', async () => {
    await using cluster = await ScriptedCluster.start({ T: 4 });
    await using producer = await producerOn(cluster);
    const queueIds = new Set<number>();
    for (let i = 0; i < 4; i++) queueIds.add((await producer.send({ topic: 'T', body: 'x' })).queue.queueId);
    expect(queueIds.size).toBe(4);
  });

  it('compresses large bodies that become smaller', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    await producer.send({ topic: 'T', body: 'x'.repeat(10_000) });
    await producer.send({ topic: 'T', body: 'x'.repeat(4095) });
    const [large, small] = cluster.server
      .requestsOf(SEND_MESSAGE_V2)
      .map((r) => commands.sendMessageV2.decodeRequest(r));
    expect(large?.sysFlag).toBe(MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_ZLIB);
    expect(large?.body.length).toBeLessThan(200);
    expect([small?.sysFlag, small?.body.length]).toEqual([0, 4095]);
  });

  it.each([
    [{ topic: '', body: 'x' }, 'topic'],
    [{ topic: 'a b', body: 'x' }, 'topic'],
    [{ topic: 'T', body: '' }, 'body of 0 bytes'],
    [{ topic: 'T', body: Buffer.alloc(4 * 1024 * 1024 + 1) }, 'body of 4194305 bytes'],
    [{ topic: 'T', body: 'x', tag: 'a || b' }, 'tag'],
    [{ topic: 'T', body: 'x', keys: ['a b'] }, 'key'],
    [{ topic: 'T', body: 'x', delayLevel: -1 }, 'delayLevel'],
    [{ topic: 'T', body: 'x', delayMs: -1 }, 'delayMs -1'],
    [{ topic: 'T', body: 'x', delayMs: 1.5 }, 'delayMs 1.5'],
    [{ topic: 'T', body: 'x', deliverAt: new Date(Number.NaN) }, 'deliverAt NaN'],
    [{ topic: 'T', body: 'x', deliverAt: 5, delayMs: 5 }, 'exclude each other'],
    [{ topic: 'T', body: 'x', deliverAt: new Date(), delayLevel: 1 }, 'exclude each other'],
    [{ topic: 'T', body: 'x', properties: { UNIQ_KEY: 'x' } }, 'UNIQ_KEY'],
    [{ topic: 'T', body: 'x', properties: { a: 'x\u0002y' } }, 'U+0001'],
    [{ topic: 'T', body: 'x', properties: { a: 'x'.repeat(32_768) } }, 'properties of'],
  ])('refuses a message a broker would refuse, case %#', async (message, text) => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    const error = await failure(producer.send(message));
    expect(error).toMatchObject({ code: 'message-invalid', retryable: false, outcome: 'not-sent' });
    expect(error.message).toContain(text);
    expect(cluster.server.requestsOf(SEND_MESSAGE_V2)).toHaveLength(0);
  });

  it('gives answers that mean "stored" as results', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    cluster.on(SEND_MESSAGE_V2, (request, peer) => {
      const payload = commands.sendMessageV2.encodeResponse({ msgId: 'M', queueId: 0, queueOffset: 5 });
      peer.respond(request, ResponseCode.FLUSH_SLAVE_TIMEOUT, payload);
    });
    expect(await producer.send({ topic: 'T', body: 'x' })).toMatchObject({
      status: 'FLUSH_SLAVE_TIMEOUT',
      queueOffset: 5,
      offsetMessageId: 'M',
    });
  });

  it('tries again after a busy answer, with the same id', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    cluster.on(SEND_MESSAGE_V2, (request, peer) => {
      if (cluster.server.requestsOf(SEND_MESSAGE_V2).length < 3)
        peer.respond(request, ResponseCode.SYSTEM_BUSY);
      else cluster.accept(request, peer);
    });
    const { messageId } = await producer.send({ topic: 'T', body: 'x' });
    const ids = cluster.server
      .requestsOf(SEND_MESSAGE_V2)
      .map(
        (request) =>
          decodeProperties(commands.sendMessageV2.decodeRequest(request).properties ?? '')['UNIQ_KEY'],
      );
    expect(ids).toEqual([messageId, messageId, messageId]);
  });

  it('keeps the queue of a keyed message on every try', async () => {
    await using cluster = await ScriptedCluster.start({ T: 8 });
    await using producer = await producerOn(cluster);
    cluster.on(SEND_MESSAGE_V2, (request, peer) => {
      // More queues meanwhile would move the key.
      cluster.topics.set('T', 16);
      peer.respond(request, ResponseCode.TOPIC_NOT_EXIST);
    });
    await failure(producer.send({ topic: 'T', shardingKey: 'some key', body: 'x' }));
    const queueIds = cluster.server
      .requestsOf(SEND_MESSAGE_V2)
      .map((request) => commands.sendMessageV2.decodeRequest(request).queueId);
    expect(queueIds).toHaveLength(3);
    expect(new Set(queueIds).size).toBe(1);
  });

  it('pauses longer between tries while a broker refuses connections', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const dead = await deadAddress();
    cluster.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, (request, peer) => {
      const payload = commands.getRouteInfoByTopic.encodeResponse({
        brokerDatas: [{ cluster: 'C', brokerName: 'b', brokerAddrs: { '0': dead } }],
        queueDatas: [{ brokerName: 'b', readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 0 }],
      });
      peer.respond(request, 0, payload);
    });
    await using producer = await producerOn(cluster, { retryPauseMs: 100 });
    const startedAt = Date.now();
    const error = await failure(producer.send({ topic: 'T', body: 'x' }));
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(225);
    expect(error).toMatchObject({
      code: 'connect-failed',
      outcome: 'not-sent',
      retryable: true,
      attempts: 3,
    });
  });

  it('never tries again what access control refused', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    const remark = 'org.apache.rocketmq.acl.common.AclException: No permission for topic:T';
    cluster.on(SEND_MESSAGE_V2, (request, peer) =>
      peer.respond(request, ResponseCode.SYSTEM_ERROR, { remark }),
    );
    const error = await failure(producer.send({ topic: 'T', body: 'x' }));
    expect(error).toMatchObject({
      code: 'access-denied',
      outcome: 'rejected',
      retryable: false,
      attempts: 1,
      responseCode: 1,
    });
  });

  it('fails at once on an answer that will not change', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    cluster.on(SEND_MESSAGE_V2, (request, peer) => peer.respond(request, ResponseCode.MESSAGE_ILLEGAL));
    expect(await failure(producer.send({ topic: 'T', body: 'x' }))).toMatchObject({
      retryable: false,
      attempts: 1,
      responseCode: 13,
    });
  });

  it('says "unknown" when one of its tries may have been stored', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    cluster.on(SEND_MESSAGE_V2, (request, peer) => {
      if (cluster.server.requestsOf(SEND_MESSAGE_V2).length === 1) peer.socket.destroy();
      else peer.respond(request, ResponseCode.SYSTEM_BUSY);
    });
    expect(await failure(producer.send({ topic: 'T', body: 'x' }))).toMatchObject({
      code: 'broker-error',
      outcome: 'unknown',
      responseCode: ResponseCode.SYSTEM_BUSY,
    });
  });

  it('does not repeat a stored message whose answer cannot be read', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    cluster.on(SEND_MESSAGE_V2, (request, peer) => peer.respond(request, 0, { extFields: { queueId: '0' } }));
    expect(await failure(producer.send({ topic: 'T', body: 'x' }))).toMatchObject({
      code: 'bad-answer',
      outcome: 'unknown',
      attempts: 1,
    });
  });

  it('ends with its time-out, tries and pauses included', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    cluster.on(SEND_MESSAGE_V2, () => undefined);
    const startedAt = Date.now();
    const error = await failure(producer.send({ topic: 'T', body: 'x' }, { timeoutMs: 100 }));
    expect(error).toMatchObject({ code: 'timeout', outcome: 'unknown', retryable: true });
    expect(Date.now() - startedAt).toBeLessThan(1000);
  });

  it('stops when its caller gives up', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    cluster.on(SEND_MESSAGE_V2, () => undefined);
    const abort = new AbortController();
    const error = failure(producer.send({ topic: 'T', body: 'x' }, { signal: abort.signal }));
    await until(() => cluster.server.requestsOf(SEND_MESSAGE_V2).length === 1, 'the send');
    abort.abort();
    expect(await error).toMatchObject({ code: 'aborted', outcome: 'unknown', retryable: true, attempts: 1 });
  });
});

describe('sendBatch', () => {
  it('sends one request a queue, with an id in each message and none in the batch', async () => {
    await using cluster = await ScriptedCluster.start({ T: 4 });
    await using producer = await producerOn(cluster);
    const messages = Array.from({ length: 40 }, (_, i) => ({
      topic: 'T',
      shardingKey: `key${i % 10}`,
      body: `m${i}`,
    }));
    const outcomes = await producer.sendBatch(messages);
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
    const requests = cluster.server
      .requestsOf(SEND_BATCH_MESSAGE)
      .map((r) => commands.sendBatchMessage.decodeRequest(r));
    expect(requests.length).toBeLessThanOrEqual(4);
    for (const request of requests) {
      expect(request).toMatchObject({ batch: true, properties: '' });
      const bodies = decodeBatchBody(request.body).map((entry) => Number(entry.body.toString().slice(1)));
      expect(bodies).toEqual([...bodies].sort((a, b) => a - b));
    }
    const ids = requests.flatMap((request) =>
      decodeBatchBody(request.body).map((entry) => decodeProperties(entry.propertiesText)['UNIQ_KEY']),
    );
    expect(new Set(ids)).toEqual(new Set(outcomes.map((outcome) => outcome.ok && outcome.result.messageId)));
  });

  it('cuts by count and by bytes, and keeps the offsets in line', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster, { maxBatchMessages: 3, maxBatchBytes: 1024 });
    let offset = 0;
    cluster.on(SEND_BATCH_MESSAGE, (request, peer) => {
      const count = decodeBatchBody(request.body).length;
      const msgId = Array.from({ length: count }, (_, n) => `M${offset + n}`).join(',');
      peer.respond(
        request,
        0,
        commands.sendBatchMessage.encodeResponse({ msgId, queueId: 0, queueOffset: offset }),
      );
      offset += count;
    });
    const bodies = ['a', 'b', 'c', 'd', 'x'.repeat(500), 'y'.repeat(500)];
    const outcomes = await producer.sendBatch(bodies.map((body) => ({ topic: 'T', body })));
    expect(outcomes.map((outcome) => outcome.ok && outcome.result.offsetMessageId).slice(0, 5)).toEqual([
      'M0',
      'M1',
      'M2',
      'M3',
      'M4',
    ]);
    const counts = cluster.server
      .requestsOf(SEND_BATCH_MESSAGE)
      .map((request) => decodeBatchBody(request.body).length);
    expect(counts).toEqual([3, 2]);
    expect(cluster.server.requestsOf(SEND_MESSAGE_V2)).toHaveLength(1);
  });

  it('has one request under way a queue, also over several calls', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    await using producer = await producerOn(cluster, { maxBatchMessages: 2 });
    const running = new Map<number, number>();
    let most = 0;
    let together = 0;
    cluster.on(SEND_BATCH_MESSAGE, (request, peer) => {
      const { queueId } = commands.sendBatchMessage.decodeRequest(request);
      running.set(queueId, (running.get(queueId) ?? 0) + 1);
      most = Math.max(most, ...running.values());
      together = Math.max(
        together,
        [...running.values()].reduce((sum, n) => sum + n, 0),
      );
      setTimeout(() => {
        running.set(queueId, (running.get(queueId) ?? 0) - 1);
        cluster.accept(request, peer);
      }, 10);
    });
    // "Aa" goes to queue 0 of two, "a" to queue 1.
    const messages = Array.from({ length: 16 }, (_, i) => ({
      topic: 'T',
      shardingKey: i % 2 ? 'Aa' : 'a',
      body: 'x',
    }));
    await Promise.all([producer.sendBatch(messages), producer.sendBatch(messages)]);
    expect([most, together]).toEqual([1, 2]);
  });

  it('holds back what comes after a failure in the same queue, and only there', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    await using producer = await producerOn(cluster, { maxBatchMessages: 2, maxAttempts: 1 });
    cluster.on(SEND_BATCH_MESSAGE, (request, peer) => {
      if (commands.sendBatchMessage.decodeRequest(request).queueId === 0)
        peer.respond(request, ResponseCode.SYSTEM_BUSY);
      else cluster.accept(request, peer);
    });
    const messages = Array.from({ length: 8 }, (_, i) => ({
      topic: 'T',
      shardingKey: i % 2 ? 'Aa' : 'a',
      body: 'x',
    }));
    const outcomes = await producer.sendBatch(messages);
    const codes = outcomes.map((outcome) =>
      outcome.ok ? 'ok' : `${outcome.error.code} ${outcome.error.outcome}`,
    );
    expect(codes).toEqual([
      ...['ok', 'broker-error rejected', 'ok', 'broker-error rejected'],
      ...['ok', 'held-back not-sent', 'ok', 'held-back not-sent'],
    ]);
  });

  it('refuses single messages and sends the others', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    const outcomes = await producer.sendBatch([
      { topic: 'T', body: 'a' },
      { topic: 'T', body: '' },
      { topic: 'unknown', body: 'c' },
      { topic: 'T', body: 'd', delayLevel: 2 },
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.error.code))).toEqual([
      ...['ok', 'message-invalid', 'topic-not-found', 'ok'],
    ]);
    // Batches cannot carry delayed messages.
    expect(cluster.server.requestsOf(SEND_MESSAGE_V2)).toHaveLength(2);
  });

  it('finds the one message that the broker refuses, and sends those before it', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    const stored: string[] = [];
    const bodiesOf = (request: RemotingCommand): string[] =>
      request.code === SEND_BATCH_MESSAGE
        ? decodeBatchBody(request.body).map((entry) => entry.body.toString())
        : [request.body.toString()];
    for (const code of [SEND_BATCH_MESSAGE, SEND_MESSAGE_V2]) {
      cluster.on(code, (request, peer) => {
        if (bodiesOf(request).includes('5')) return peer.respond(request, ResponseCode.MESSAGE_ILLEGAL);
        stored.push(...bodiesOf(request));
        cluster.accept(request, peer);
      });
    }
    const outcomes = await producer.sendBatch(
      Array.from({ length: 10 }, (_, i) => ({ topic: 'T', body: String(i) })),
    );
    expect(stored).toEqual(['0', '1', '2', '3', '4']);
    expect(
      outcomes.map((outcome) => (outcome.ok ? 'ok' : (outcome.error.responseCode ?? outcome.error.code))),
    ).toEqual([...['ok', 'ok', 'ok', 'ok', 'ok', 13, 'held-back', 'held-back', 'held-back', 'held-back']]);
  });

  it('of nothing is nothing', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    await expect(producer.sendBatch([])).resolves.toEqual([]);
  });
});
