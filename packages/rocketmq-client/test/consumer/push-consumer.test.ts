import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  commands,
  createRequest,
  decodeProperties,
  encodeStoredMessage,
  RequestCode,
  ResponseCode,
  type StoredMessageInput,
} from '@dt/rocketmq-protocol';
import { PushConsumer, type PushConsumerOptions, type ReceivedMessage } from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

const { PULL_MESSAGE, UPDATE_CONSUMER_OFFSET, QUERY_CONSUMER_OFFSET, CONSUMER_SEND_MSG_BACK, HEART_BEAT } =
  RequestCode;

function consumerOn(cluster: ScriptedCluster, options: Partial<PushConsumerOptions> = {}): PushConsumer {
  return new PushConsumer({
    nameServers: cluster.address,
    group: 'G',
    subscriptions: [{ topic: 'T', expression: '*' }],
    handler: async () => undefined,
    pullRetryPauseMs: 20,
    ...options,
  });
}

function bodies(messages: readonly ReceivedMessage[]): string[] {
  return messages.map((message) => message.body.toString());
}

const stored: StoredMessageInput = {
  topic: 'T',
  queueId: 0,
  flag: 0,
  queueOffset: 0,
  physicalOffset: 7000,
  sysFlag: 0,
  bornTimestamp: 1,
  bornHost: { ip: '127.0.0.1', port: 1 },
  storeTimestamp: 2,
  storeHost: { ip: '127.0.0.1', port: 10911 },
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: Buffer.from('x'),
  properties: {},
};

describe('options of a consumer', () => {
  it.each<[options: object, text: string]>([
    [{ subscriptions: [] }, 'subscriptions'],
    [{ subscriptions: [{ topic: 'T', expression: '||' }] }, 'subscriptions.expression'],
    [
      {
        subscriptions: [
          { topic: 'T', expression: '*' },
          { topic: 'T', expression: 'a' },
        ],
      },
      'each topic once',
    ],
    [
      { subscriptions: [{ topic: 'T', expression: 'a > 1', type: 'SQL' }] },
      'subscriptions.type: "SQL" is not allowed, expected one of TAG, SQL92',
    ],
    [{ subscriptions: [{ topic: 'T', expression: ' ', type: 'SQL92' }] }, 'subscriptions.expression'],
    [{ onError: 'ignore' }, 'onError: "ignore" is not allowed, expected one of sendBack, suspend'],
    [{ from: { timestamp: -1 } }, 'from'],
    [{ batchSize: 0 }, 'batchSize'],
    [{ longPollMs: 1000, pullTimeoutMs: 500 }, 'pullTimeoutMs'],
    [{ handler: undefined }, 'handler'],
  ])('%j are refused', (options, text) => {
    const all = {
      nameServers: 'a:1',
      group: 'G',
      subscriptions: [{ topic: 'T', expression: '*' }],
      handler: async () => undefined,
    };
    expect(() => new PushConsumer({ ...all, ...options })).toThrow(text);
  });
});

describe('a push consumer', () => {
  it('hands messages over in offset order, one call a queue at a time, and commits them when it closes', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    for (const queueId of [0, 1])
      cluster.stored[queueId] = Array.from({ length: 100 }, (_, i) => ({ body: `${queueId}:${i}` }));
    const got = new Map<number, string[]>();
    const running = new Set<number>();
    let overlaps = 0;
    const consumer = consumerOn(cluster, {
      batchSize: 7,
      handler: async (messages, { queue }) => {
        if (running.has(queue.queueId)) overlaps++;
        running.add(queue.queueId);
        await new Promise((resolve) => setTimeout(resolve, 1));
        got.set(queue.queueId, [...(got.get(queue.queueId) ?? []), ...bodies(messages)]);
        running.delete(queue.queueId);
      },
    });
    await consumer.start();
    expect(consumer.queues.map((queue) => `${queue.topic}${queue.queueId}`).sort()).toEqual([
      '%RETRY%G0',
      'T0',
      'T1',
    ]);
    await until(() => (got.get(0)?.length ?? 0) + (got.get(1)?.length ?? 0) === 200, 'all messages');
    await consumer.close();
    expect(got.get(0)).toEqual(cluster.stored[0]?.map((message) => message.body));
    expect(got.get(1)).toEqual(cluster.stored[1]?.map((message) => message.body));
    expect(overlaps).toBe(0);
    const last = (queueId: number) =>
      cluster.committed.filter((c) => c.topic === 'T' && c.queueId === queueId).at(-1);
    expect([last(0)?.commitOffset, last(1)?.commitOffset]).toEqual([100, 100]);
    // The offsets were answered before the consumer left its group.
    const codes = cluster.server.requests.map((request) => request.code);
    expect(codes.lastIndexOf(UPDATE_CONSUMER_OFFSET)).toBeLessThan(
      codes.indexOf(RequestCode.UNREGISTER_CLIENT),
    );
  });

  it('tells the brokers its subscriptions, the retry topic among them', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using consumer = consumerOn(cluster, { subscriptions: [{ topic: 'T', expression: 'a || b' }] });
    await consumer.start();
    const [request] = cluster.server.requestsOf(HEART_BEAT);
    const [data] = request ? commands.heartBeat.decodeRequest(request).consumers : [];
    expect(data).toMatchObject({
      groupName: 'G',
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
    });
    expect(data?.subscriptions.map(({ topic, subString, tagsSet }) => [topic, subString, tagsSet])).toEqual([
      ['T', 'a || b', ['a', 'b']],
      ['%RETRY%G', '*', []],
    ]);
  });

  describe('with an SQL92 subscription', () => {
    const bySql = {
      subscriptions: [{ topic: 'T', expression: "TAGS = 'a' AND n > 1", type: 'SQL92' }],
    } as const;

    it('has it checked before it joins, and takes what the broker chose as it is', async () => {
      await using cluster = await ScriptedCluster.start({ T: 1 });
      cluster.on(RequestCode.CHECK_CLIENT_CONFIG, (request, peer) => peer.respond(request, 0));
      cluster.stored[0] = [{ body: '1', properties: { TAGS: 'b' } }];
      const got: ReceivedMessage[] = [];
      await using consumer = consumerOn(cluster, {
        ...bySql,
        handler: async (messages) => void got.push(...messages),
      });
      await consumer.start();
      const [check] = cluster.server.requestsOf(RequestCode.CHECK_CLIENT_CONFIG);
      const [heartbeat] = cluster.server.requestsOf(HEART_BEAT);
      const expected = { subString: "TAGS = 'a' AND n > 1", expressionType: 'SQL92', tagsSet: [] };
      expect(check && commands.checkClientConfig.decodeRequest(check)).toMatchObject({
        clientId: consumer.clientId,
        group: 'G',
        subscription: expected,
      });
      const [data] = heartbeat ? commands.heartBeat.decodeRequest(heartbeat).consumers : [];
      expect(data?.subscriptions[0]).toMatchObject(expected);
      await until(() => got.length === 1, 'the message');
    });

    it.each([
      [ResponseCode.SYSTEM_ERROR, 'does not support'],
      [ResponseCode.SUBSCRIPTION_PARSE_FAILED, 'cannot be read'],
    ])('does not start where the broker refuses it (%i), and may be started again', async (code, remark) => {
      await using cluster = await ScriptedCluster.start({ T: 1 });
      let refuses = true;
      cluster.on(RequestCode.CHECK_CLIENT_CONFIG, (request, peer) =>
        peer.respond(request, refuses ? code : 0, { remark }),
      );
      await using consumer = consumerOn(cluster, bySql);
      const error = await consumer.start().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'broker-error', retryable: false, responseCode: code });
      expect(String(error)).toContain(`subscription of T by SQL92 "TAGS = 'a' AND n > 1"`);
      expect(cluster.server.requestsOf(HEART_BEAT)).toEqual([]);
      refuses = false;
      await consumer.start();
    });
  });

  it('compares tags itself, because brokers compare only their hashes', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    // Both tags have the hash 2112.
    cluster.stored[0] = [
      { body: '1', properties: { TAGS: 'Aa' } },
      { body: '2', properties: { TAGS: 'BB' } },
      { body: '3', properties: { TAGS: 'Aa', KEYS: 'k1 k2', __SHARDINGKEY: 's', UNIQ_KEY: 'U' } },
    ];
    const got: ReceivedMessage[] = [];
    const consumer = consumerOn(cluster, {
      subscriptions: [{ topic: 'T', expression: 'Aa' }],
      handler: async (messages) => void got.push(...messages),
    });
    await consumer.start();
    await until(() => got.length === 2, 'two messages');
    await consumer.close();
    expect(bodies(got)).toEqual(['1', '3']);
    expect(got[1]).toMatchObject({
      ...{ topic: 'T', tag: 'Aa', keys: ['k1', 'k2'], shardingKey: 's', messageId: 'U', queueOffset: 2 },
      ...{ bornTimestamp: 1, storeTimestamp: 2, reconsumeTimes: 0 },
    });
    expect(cluster.commitsOf('T').at(-1)).toBe(3);
  });

  it.each(['sendBack', 'suspend'] as const)(
    'decompresses bodies, and sends back what it cannot read without showing it or holding up the rest (%s)',
    async (onError) => {
      await using cluster = await ScriptedCluster.start({ T: 1 });
      const records = [
        encodeStoredMessage({ ...stored, sysFlag: 0x301, body: deflateSync('hello') }),
        encodeStoredMessage({ ...stored, queueOffset: 1, sysFlag: 0x201, body: Buffer.from('zstd') }),
        encodeStoredMessage({ ...stored, queueOffset: 2, body: Buffer.from('after') }),
      ];
      cluster.on(PULL_MESSAGE, (request, peer) => {
        const { topic, queueOffset } = commands.pullMessage.decodeRequest(request);
        if (topic === 'T' && queueOffset === 0)
          cluster.pulled(request, peer, ResponseCode.SUCCESS, 3, Buffer.concat(records));
      });
      const got: string[] = [];
      await using consumer = consumerOn(cluster, {
        onError,
        handler: async (messages) => void got.push(...bodies(messages)),
      });
      await consumer.start();
      await until(() => got.length === 2, 'the messages that can be read');
      expect(got).toEqual(['hello', 'after']);
      expect(cluster.server.requestsOf(CONSUMER_SEND_MSG_BACK)).toHaveLength(1);
      await consumer.close();
      expect(cluster.commitsOf('T').at(-1)).toBe(3);
    },
  );

  it('shows a message from the retry topic under its own topic', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const record = encodeStoredMessage({
      ...stored,
      topic: '%RETRY%G',
      reconsumeTimes: 2,
      properties: { RETRY_TOPIC: 'T' },
    });
    cluster.on(PULL_MESSAGE, (request, peer) => {
      const { topic, queueOffset } = commands.pullMessage.decodeRequest(request);
      if (topic !== 'T' && queueOffset === 0) cluster.pulled(request, peer, ResponseCode.SUCCESS, 1, record);
    });
    const got: ReceivedMessage[] = [];
    await using consumer = consumerOn(cluster, { handler: async (messages) => void got.push(...messages) });
    await consumer.start();
    await until(() => got.length === 1, 'the message');
    expect(got[0]).toMatchObject({ topic: 'T', reconsumeTimes: 2, queue: { topic: '%RETRY%G' } });
  });
});

describe('a failing handler', () => {
  it('sends each message of its batch back by its place in the commit log', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }, { body: 'b', properties: { UNIQ_KEY: 'U' } }];
    const consumer = consumerOn(cluster, {
      maxReconsumeTimes: 3,
      handler: async () => {
        throw new Error('no');
      },
    });
    await consumer.start();
    await until(() => cluster.server.requestsOf(CONSUMER_SEND_MSG_BACK).length === 2, 'both sent back');
    await consumer.close();
    const sent = cluster.server
      .requestsOf(CONSUMER_SEND_MSG_BACK)
      .map((r) => commands.consumerSendMessageBack.decodeRequest(r));
    expect(sent.map(({ offset }) => offset)).toEqual([0, 1000]);
    expect(sent[1]).toMatchObject({
      group: 'G',
      delayLevel: 0,
      originMsgId: 'U',
      originTopic: 'T',
      maxReconsumeTimes: 3,
    });
    expect(cluster.commitsOf('T').at(-1)).toBe(2);
  });

  it('uses the retry topic when a message cannot be sent back', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a', properties: { UNIQ_KEY: 'U', TAGS: 'x' } }];
    cluster.on(CONSUMER_SEND_MSG_BACK, (request, peer) => peer.respond(request, ResponseCode.SYSTEM_ERROR));
    const consumer = consumerOn(cluster, {
      handler: async () => {
        throw new Error('no');
      },
    });
    await consumer.start();
    await until(() => cluster.server.requestsOf(RequestCode.SEND_MESSAGE_V2).length === 1, 'the message');
    await consumer.close();
    const [request] = cluster.server.requestsOf(RequestCode.SEND_MESSAGE_V2);
    const sent = request && commands.sendMessageV2.decodeRequest(request);
    expect(sent).toMatchObject({
      topic: '%RETRY%G',
      reconsumeTimes: 1,
      maxReconsumeTimes: 16,
      body: Buffer.from('a'),
    });
    expect(decodeProperties(sent?.properties ?? '')).toMatchObject({
      ...{ RETRY_TOPIC: 'T', DELAY: '3', RECONSUME_TIME: '1', UNIQ_KEY: 'U', TAGS: 'x' },
      ORIGIN_MESSAGE_ID: '7F00000100002A9F0000000000000000',
    });
  });

  it('gets the same messages again when it suspends, and nothing passes them by', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = Array.from({ length: 10 }, (_, i) => ({ body: String(i) }));
    const calls: { bodies: string[]; attempt: number }[] = [];
    const consumer = consumerOn(cluster, {
      onError: 'suspend',
      suspendMs: 10,
      batchSize: 4,
      handler: async (messages, { attempt }) => {
        calls.push({ bodies: bodies(messages), attempt });
        if (messages[0]?.body.toString() === '4' && attempt < 3) throw new Error('not yet');
      },
    });
    await consumer.start();
    await until(() => calls.at(-1)?.bodies.at(-1) === '9', 'the last message');
    await consumer.close();
    const second = ['4', '5', '6', '7'];
    expect(calls).toEqual([
      { bodies: ['0', '1', '2', '3'], attempt: 1 },
      ...[1, 2, 3].map((attempt) => ({ bodies: second, attempt })),
      { bodies: ['8', '9'], attempt: 1 },
    ]);
    expect(cluster.server.requestsOf(CONSUMER_SEND_MSG_BACK)).toHaveLength(0);
  });

  it('leaves a batch uncommitted that fails while the consumer closes', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }];
    let fail: ((error: Error) => void) | undefined;
    const consumer = consumerOn(cluster, { handler: () => new Promise((_, reject) => (fail = reject)) });
    await consumer.start();
    await until(() => fail !== undefined, 'the handler');
    const closing = consumer.close();
    fail?.(new Error('no'));
    await closing;
    expect(cluster.server.requestsOf(CONSUMER_SEND_MSG_BACK)).toHaveLength(0);
    expect(cluster.commitsOf('T')).toEqual([0]);
  });
});

describe('offsets', () => {
  const starts = [
    { from: 'last' as const, code: RequestCode.GET_MAX_OFFSET, expected: 77 },
    { from: 'first' as const, code: undefined, expected: 0 },
    { from: { timestamp: 1700000000000 }, code: RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, expected: 77 },
  ];
  it.each(starts)('start at $from where none is stored', async ({ from, code, expected }) => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.on(QUERY_CONSUMER_OFFSET, (request, peer) => peer.respond(request, ResponseCode.QUERY_NOT_FOUND));
    for (const asked of [RequestCode.GET_MAX_OFFSET, RequestCode.SEARCH_OFFSET_BY_TIMESTAMP]) {
      cluster.on(asked, (request, peer) => peer.respond(request, 0, { extFields: { offset: '77' } }));
    }
    await using consumer = consumerOn(cluster, { from });
    await consumer.start();
    await until(() => cluster.server.requestsOf(PULL_MESSAGE).length >= 2, 'pulls');
    const pulls = cluster.server
      .requestsOf(PULL_MESSAGE)
      .map((request) => commands.pullMessage.decodeRequest(request));
    expect(pulls.find((pull) => pull.topic === 'T')?.queueOffset).toBe(expected);
    if (code !== undefined) expect(cluster.server.requestsOf(code).length).toBeGreaterThan(0);
    // Told once even if nothing comes: the next start must begin here, not at what is then the end.
    await consumer.close();
    expect(cluster.commitsOf('T')).toEqual([expected]);
  });

  it('are told again after a commit without an answer, which the broker may carry out late', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }, { body: 'b' }];
    const commits: number[] = [];
    cluster.on(UPDATE_CONSUMER_OFFSET, (request, peer) => {
      const { topic, commitOffset } = commands.updateConsumerOffset.decodeRequest(request);
      if (topic === 'T' && (commits.length > 0 || commitOffset === 2)) commits.push(commitOffset);
      if (commits.length === 1) peer.socket.destroy();
      else peer.respond(request, 0);
    });
    await using consumer = consumerOn(cluster, { commitIntervalMs: 20 });
    await consumer.start();
    // After the lost one it is told, and once more as the first of its group; the others are for the doubt.
    await until(() => commits.length >= 5, 'commits after the lost one');
    expect(new Set(commits)).toEqual(new Set([2]));
  });

  it('are not guessed when the broker fails: the queue waits', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    let asked = 0;
    cluster.on(QUERY_CONSUMER_OFFSET, (request, peer) => {
      if (++asked <= 2) peer.respond(request, ResponseCode.SYSTEM_ERROR, { remark: 'not now' });
      else peer.respond(request, 0, { extFields: { offset: '42' } });
    });
    await using consumer = consumerOn(cluster);
    await consumer.start();
    expect(consumer.queues).toEqual([]);
    await until(() => cluster.server.requestsOf(PULL_MESSAGE).length >= 2, 'pulls after the next try');
    const offsets = cluster.server
      .requestsOf(PULL_MESSAGE)
      .map((request) => commands.pullMessage.decodeRequest(request).queueOffset);
    expect(new Set(offsets)).toEqual(new Set([42]));
  });

  it('never go back because of an error or an empty answer', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.on(QUERY_CONSUMER_OFFSET, (request, peer) =>
      peer.respond(request, 0, { extFields: { offset: '50' } }),
    );
    let pulls = 0;
    cluster.on(PULL_MESSAGE, (request, peer) => {
      if (!request.extFields['topic']?.startsWith('T')) return;
      pulls++;
      if (pulls === 1) peer.respond(request, ResponseCode.SYSTEM_ERROR);
      else if (pulls === 2) cluster.pulled(request, peer, ResponseCode.PULL_NOT_FOUND, 0);
      else if (pulls === 3) peer.respond(request, 0, { extFields: { nextBeginOffset: '0' } });
      else if (pulls === 4) cluster.pulled(request, peer, ResponseCode.SUCCESS, 60, Buffer.from('garbage'));
    });
    const consumer = consumerOn(cluster);
    await consumer.start();
    await until(() => pulls === 5, 'five pulls');
    await consumer.close();
    const asked = cluster.server
      .requestsOf(PULL_MESSAGE)
      .map((request) => commands.pullMessage.decodeRequest(request));
    expect(asked.filter((pull) => pull.topic === 'T').map((pull) => pull.queueOffset)).toEqual([
      50, 50, 50, 50, 50,
    ]);
    expect(cluster.committed).toEqual([]);
  });

  it('follow the broker, also backwards, when it says that they moved', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }, { body: 'b' }, { body: 'c' }];
    cluster.on(QUERY_CONSUMER_OFFSET, (request, peer) => {
      peer.respond(request, 0, { extFields: { offset: request.extFields['topic'] === 'T' ? '50' : '0' } });
    });
    let moved = false;
    cluster.on(PULL_MESSAGE, (request, peer) => {
      if (request.extFields['topic'] === 'T' && !moved) {
        moved = true;
        return cluster.pulled(request, peer, ResponseCode.PULL_OFFSET_MOVED, 1);
      }
      cluster.pull(request, peer);
    });
    const got: string[] = [];
    const consumer = consumerOn(cluster, { handler: async (messages) => void got.push(...bodies(messages)) });
    await consumer.start();
    await until(() => got.length === 2, 'two messages');
    await consumer.close();
    expect(got).toEqual(['b', 'c']);
    expect(cluster.commitsOf('T')).toEqual([1, 3]);
  });

  it('are committed in between, and only when they changed', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }];
    await using consumer = consumerOn(cluster, { commitIntervalMs: 20 });
    await consumer.start();
    // The first one is told twice, see test/issues/first-offsets-lost.test.ts.
    await until(() => cluster.committed.length === 4, 'two commits of both queues');
    const polls = cluster.server.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    // The retry queue has not moved, but the broker kept no offset for it.
    expect([cluster.commitsOf('T').at(-1), cluster.commitsOf('%RETRY%G')]).toEqual([1, [0, 0]]);
    expect(cluster.server.requests.length).toBe(polls);
  });
});

describe('membership', () => {
  it('is told at once when the broker does not know the subscription', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }];
    let heartbeats = 0;
    cluster.on(HEART_BEAT, (request, peer) => {
      heartbeats++;
      cluster.members = [commands.heartBeat.decodeRequest(request).clientId];
      peer.respond(request, 0);
    });
    let known = false;
    let before = 0;
    cluster.on(PULL_MESSAGE, (request, peer) => {
      if (known) return cluster.pull(request, peer);
      before = heartbeats;
      known = true;
      peer.respond(request, ResponseCode.SUBSCRIPTION_NOT_LATEST);
    });
    const got: string[] = [];
    await using consumer = consumerOn(cluster, {
      handler: async (messages) => void got.push(...bodies(messages)),
    });
    await consumer.start();
    await until(() => got.length === 1, 'the message');
    expect(heartbeats).toBeGreaterThan(before);
  });

  it('gives a queue away with its offset when another member comes', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    for (const queueId of [0, 1]) cluster.stored[queueId] = [{ body: `${queueId}` }];
    const got: string[] = [];
    const consumer = consumerOn(cluster, { handler: async (messages) => void got.push(...bodies(messages)) });
    await consumer.start();
    await until(() => got.length === 2, 'both messages');
    // Sorts before ours, so it gets the first half and the retry queue.
    cluster.members = ['0', consumer.clientId];
    const notify = createRequest(
      RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
      { extFields: { consumerGroup: 'G' } },
      { opaque: 1, oneway: true },
    );
    for (const peer of cluster.server.peers) peer.send(notify);
    await until(() => consumer.queues.length === 1, 'one queue left');
    expect(consumer.queues).toEqual([{ topic: 'T', brokerName: 'broker-a', queueId: 1 }]);
    expect(cluster.committed.filter((c) => c.topic === 'T')).toMatchObject([{ queueId: 0, commitOffset: 1 }]);
    await consumer.close();
  });

  it('lets a running handler end before its queue is given away', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }];
    let end: () => void = () => undefined;
    let started = false;
    const consumer = consumerOn(cluster, {
      handler: () => {
        started = true;
        return new Promise((resolve) => (end = resolve));
      },
    });
    await consumer.start();
    await until(() => started, 'the handler');
    const closing = consumer.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(cluster.commitsOf('T')).toEqual([]);
    end();
    await closing;
    expect(cluster.commitsOf('T')).toEqual([1]);
  });

  it('ends in time with a handler that never does, after telling it', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }];
    let signal: AbortSignal | undefined;
    const consumer = consumerOn(cluster, {
      handlerGraceMs: 50,
      handler: (_, context) => {
        ({ signal } = context);
        return new Promise(() => undefined);
      },
    });
    await consumer.start();
    await until(() => signal !== undefined, 'the handler');
    const startedAt = Date.now();
    await consumer.close();
    expect(Date.now() - startedAt).toBeLessThan(5000);
    expect(signal?.aborted).toBe(true);
    expect(cluster.commitsOf('T')).toEqual([0]);
  });

  it('waits for a topic that does not exist yet', async () => {
    await using cluster = await ScriptedCluster.start({});
    cluster.stored[0] = [{ body: 'a' }];
    const got: string[] = [];
    await using consumer = consumerOn(cluster, {
      handler: async (messages) => void got.push(...bodies(messages)),
    });
    await consumer.start();
    cluster.topics.set('T', 1);
    await until(() => got.length === 1, 'the message', 15_000);
  });
});

describe('access control', () => {
  it('that refuses the heartbeat fails the start', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const remark = 'org.apache.rocketmq.acl.common.AclException: No accessKey is configured';
    cluster.on(HEART_BEAT, (request, peer) => peer.respond(request, ResponseCode.SYSTEM_ERROR, { remark }));
    await using consumer = consumerOn(cluster);
    await expect(consumer.start()).rejects.toMatchObject({ code: 'access-denied' });
    cluster.off(HEART_BEAT);
    await consumer.start();
    expect(consumer.queues).toHaveLength(2);
  });
});

describe('flow control', () => {
  it('stops pulling while a queue holds enough', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = Array.from({ length: 200 }, (_, i) => ({ body: String(i) }));
    let release: () => void = () => undefined;
    let calls = 0;
    let handled = 0;
    const consumer = consumerOn(cluster, {
      maxCachedMessages: 50,
      batchSize: 50,
      handler: async (messages) => {
        calls++;
        if (calls === 1) await new Promise<void>((resolve) => (release = resolve));
        handled += messages.length;
      },
    });
    await consumer.start();
    const pulled = () =>
      cluster.server.requestsOf(PULL_MESSAGE).filter((request) => request.extFields['topic'] === 'T').length;
    await until(() => calls === 1 && pulled() === 2, 'a full window');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(pulled()).toBe(2);
    release();
    await until(() => handled === 200, 'the rest');
    await consumer.close();
    expect(cluster.commitsOf('T').at(-1)).toBe(200);
  });
});
