import { describe, expect, it } from 'vitest';
import {
  commands,
  createRequest,
  decodeProperties,
  encodeStoredMessage,
  isOneway,
  RequestCode,
} from '@dt/rocketmq-protocol';
import {
  SendError,
  TransactionProducer,
  type TransactionProducerOptions,
  type TransactionState,
} from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

const { SEND_MESSAGE_V2, END_TRANSACTION, CHECK_TRANSACTION_STATE, HEART_BEAT } = RequestCode;
const GROUP = 'PG';

async function producerOn(
  cluster: ScriptedCluster,
  options: Partial<TransactionProducerOptions> = {},
): Promise<TransactionProducer> {
  const { address } = cluster;
  cluster.on(RequestCode.GET_BROKER_CLUSTER_INFO, (request, peer) =>
    peer.respond(
      request,
      0,
      commands.getBrokerClusterInfo.encodeResponse({
        brokers: { 'broker-a': { cluster: 'C', brokerName: 'broker-a', brokerAddrs: { '0': address } } },
        clusters: { C: ['broker-a'] },
      }),
    ),
  );
  const producer = new TransactionProducer({
    ...{ nameServers: address, group: GROUP, checker: async () => 'unknown', ...options },
  });
  await producer.start();
  return producer;
}

function ends(cluster: ScriptedCluster): ReturnType<typeof commands.endTransaction.decodeRequest>[] {
  return cluster.server.requestsOf(END_TRANSACTION).map((request) => {
    expect(isOneway(request)).toBe(true);
    return commands.endTransaction.decodeRequest(request);
  });
}

/** Asks on the connection the producer has made. */
function check(cluster: ScriptedCluster, messageId: string, group = GROUP, offset = 9): void {
  const body = encodeStoredMessage({
    ...{ topic: 'T', queueId: 1, flag: 0, queueOffset: offset, physicalOffset: offset * 100, sysFlag: 0 },
    ...{ bornTimestamp: 1, bornHost: { ip: '127.0.0.1', port: 1 }, storeTimestamp: 2 },
    ...{ storeHost: { ip: '127.0.0.1', port: 10911 }, reconsumeTimes: 0, preparedTransactionOffset: 0 },
    body: Buffer.from('asked'),
    properties: { UNIQ_KEY: messageId, PGROUP: group, TRAN_MSG: 'true' },
  });
  const payload = commands.checkTransactionState.encodeRequest({
    ...{ tranStateTableOffset: offset, commitLogOffset: offset * 100, msgId: messageId, brokerName: 'b' },
    body,
  });
  const request = createRequest(CHECK_TRANSACTION_STATE, payload, { opaque: 1, oneway: true });
  for (const peer of cluster.server.peers) peer.send(request);
}

describe('a transaction', () => {
  it.each<[TransactionState, number[]]>([
    ['commit', [8]],
    ['rollback', [12]],
    ['unknown', []],
  ])('with a local function that says %s', async (state, wanted) => {
    await using cluster = await ScriptedCluster.start({ T: 4 });
    await using producer = await producerOn(cluster);
    const result = await producer.sendInTransaction(
      { topic: 'T', shardingKey: 'Aa', body: 'x' },
      async () => {
        expect(ends(cluster)).toEqual([]);
        return state;
      },
    );
    await producer.close();
    const [request] = cluster.server.requestsOf(SEND_MESSAGE_V2);
    const half = request && commands.sendMessageV2.decodeRequest(request);
    expect(half).toMatchObject({ sysFlag: 4, producerGroup: GROUP, queueId: 2112 % 4 });
    expect(decodeProperties(half?.properties ?? '')).toMatchObject({
      ...{ TRAN_MSG: 'true', PGROUP: GROUP, UNIQ_KEY: result.messageId },
    });
    expect(result).toMatchObject({ state, status: 'SEND_OK' });
    expect(ends(cluster)).toEqual(
      wanted.map((commitOrRollback) => ({
        ...{ topic: 'T', producerGroup: GROUP, tranStateTableOffset: 0, commitLogOffset: 1 },
        ...{ commitOrRollback, fromTransactionCheck: false, brokerName: 'broker-a' },
        ...{ msgId: result.messageId, transactionId: result.messageId },
      })),
    );
  });

  it('whose function throws, or says no known word, is left to the checks', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    const error = new Error('no');
    const thrown = await producer.sendInTransaction({ topic: 'T', body: 'x' }, () => {
      throw error;
    });
    expect(thrown).toMatchObject({ state: 'unknown', error });
    const odd = await producer.sendInTransaction({ topic: 'T', body: 'x' }, async () => 'done' as 'commit');
    expect(odd.state).toBe('unknown');
    await producer.close();
    expect(ends(cluster)).toEqual([]);
  });

  it('is rolled back without its function when the message may not be stored for good', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    cluster.on(SEND_MESSAGE_V2, (request, peer) => {
      const answer = { msgId: '7F00000100002A9F0000000000000001', queueId: 0, queueOffset: 0 };
      peer.respond(request, 12, commands.sendMessageV2.encodeResponse(answer));
    });
    let called = false;
    const result = await producer.sendInTransaction({ topic: 'T', body: 'x' }, async () => {
      called = true;
      return 'commit';
    });
    expect(result).toMatchObject({ state: 'rollback', status: 'FLUSH_SLAVE_TIMEOUT' });
    expect(called).toBe(false);
    await until(() => ends(cluster).length === 1, 'the end');
    expect(ends(cluster)[0]).toMatchObject({ commitOrRollback: 12 });
  });

  it('does not begin when the message is refused, delayed or given up', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster, { maxAttempts: 1 });
    let called = false;
    const execute = async (): Promise<TransactionState> => {
      called = true;
      return 'commit';
    };
    cluster.on(SEND_MESSAGE_V2, (request, peer) => peer.respond(request, 16, { remark: 'forbidden' }));
    const refused = producer.sendInTransaction({ topic: 'T', body: 'x' }, execute);
    await expect(refused).rejects.toMatchObject({ code: 'broker-error', responseCode: 16 });
    const delayed = producer.sendInTransaction({ topic: 'T', body: 'x', delayLevel: 1 } as never, execute);
    await expect(delayed).rejects.toMatchObject({ code: 'message-invalid' });
    const signal = AbortSignal.abort();
    const given = producer.sendInTransaction({ topic: 'T', body: 'x' }, execute, { signal });
    await expect(given).rejects.toBeInstanceOf(SendError);
    expect(called).toBe(false);
  });

  it('given up in the middle is told to its function and left to the checks', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    const abort = new AbortController();
    let told = false;
    const sending = producer.sendInTransaction(
      { topic: 'T', body: 'x' },
      (_, { signal }) => {
        signal.addEventListener('abort', () => (told = true));
        abort.abort();
        return new Promise(() => undefined);
      },
      { signal: abort.signal },
    );
    await expect(sending).rejects.toMatchObject({ code: 'aborted', outcome: 'unknown' });
    expect(told).toBe(true);
    expect(ends(cluster)).toEqual([]);
  });
});

describe('close of a transaction producer', () => {
  it('waits for local functions and their ends', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const producer = await producerOn(cluster);
    let finish: (state: TransactionState) => void = () => undefined;
    const sending = producer.sendInTransaction(
      { topic: 'T', body: 'x' },
      () => new Promise((resolve) => (finish = resolve)),
    );
    await until(() => cluster.server.requestsOf(SEND_MESSAGE_V2).length === 1, 'the send');
    const closing = producer.close();
    setTimeout(() => finish('commit'), 50);
    await closing;
    expect(await sending).toMatchObject({ state: 'commit' });
    expect(ends(cluster)).toHaveLength(1);
    const late = producer.sendInTransaction({ topic: 'T', body: 'x' }, async () => 'commit');
    await expect(late).rejects.toMatchObject({ code: 'closed', outcome: 'not-sent' });
  });

  it('rejects what does not end in time', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const producer = await producerOn(cluster, { closeTimeoutMs: 50 });
    const sending = producer.sendInTransaction({ topic: 'T', body: 'x' }, () => new Promise(() => undefined));
    const outcome = expect(sending).rejects.toMatchObject({ code: 'closed', outcome: 'unknown' });
    await until(() => cluster.server.requestsOf(SEND_MESSAGE_V2).length === 1, 'the send');
    await producer.close();
    await outcome;
  });
});

describe('a check', () => {
  it('is answered with its own offsets by a producer that has sent nothing yet', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const asked: unknown[] = [];
    await using producer = await producerOn(cluster, {
      checker: async ({ topic, messageId, body, queue }) => {
        asked.push({ topic, messageId, body: body.toString(), queueId: queue.queueId });
        return 'commit';
      },
    });
    const [heartbeat] = cluster.server.requestsOf(HEART_BEAT);
    expect(heartbeat && commands.heartBeat.decodeRequest(heartbeat)).toMatchObject({
      clientId: producer.clientId,
      producerGroups: [GROUP],
    });
    check(cluster, 'M1');
    await until(() => ends(cluster).length > 0, 'the answer');
    expect(ends(cluster)[0]).toEqual({
      ...{ topic: 'T', producerGroup: GROUP, tranStateTableOffset: 9, commitLogOffset: 900 },
      ...{ commitOrRollback: 8, fromTransactionCheck: true, brokerName: 'b' },
      ...{ msgId: 'M1', transactionId: 'M1' },
    });
    expect(asked[0]).toEqual({ topic: 'T', messageId: 'M1', body: 'asked', queueId: 1 });
  });

  it('of another group, and one while the local function runs here, gets no answer', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const asked: string[] = [];
    await using producer = await producerOn(cluster, {
      checker: async ({ messageId }) => {
        asked.push(messageId);
        return 'commit';
      },
    });
    await producer.sendInTransaction({ topic: 'T', body: 'x' }, async (_, { messageId }) => {
      check(cluster, messageId);
      check(cluster, 'foreign', 'OTHER');
      check(cluster, 'last');
      await until(() => asked.includes('last'), 'the last check');
      return 'unknown';
    });
    expect(new Set(asked)).toEqual(new Set(['last']));
  });

  it('whose checker throws or hangs counts as unknown and holds up no other', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster, {
      ...{ checkConcurrency: 1, checkTimeoutMs: 30 },
      checker: async ({ messageId }) => {
        if (messageId === 'throws') throw new Error('no');
        if (messageId === 'hangs') return new Promise(() => undefined);
        return 'rollback';
      },
    });
    for (const messageId of ['throws', 'hangs', 'good']) check(cluster, messageId);
    await until(() => ends(cluster).length > 0, 'the answer');
    expect(new Set(ends(cluster).map(({ msgId }) => msgId))).toEqual(new Set(['good']));
    await producer.close();
  });
});

it('refuses a checker that is none', () => {
  const options = { nameServers: 'a:1', group: GROUP, checker: undefined as never };
  expect(() => new TransactionProducer(options)).toThrow('checker');
});
