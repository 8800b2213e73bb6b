import { describe, expect, it } from 'vitest';
import { commands, RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import {
  PullConsumer,
  type PullConsumerOptions,
  type ReceivedMessage,
  RocketMQError,
} from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

const { PULL_MESSAGE, UPDATE_CONSUMER_OFFSET, QUERY_CONSUMER_OFFSET, HEART_BEAT } = RequestCode;

const queue = (queueId: number) => ({ topic: 'T', brokerName: 'broker-a', queueId });
const bodies = (messages: readonly ReceivedMessage[]): string[] =>
  messages.map((message) => message.body.toString());
const numbered = (count: number) => Array.from({ length: count }, (_, i) => ({ body: String(i) }));

function consumerOn(cluster: ScriptedCluster, options: Partial<PullConsumerOptions> = {}): PullConsumer {
  return new PullConsumer({
    nameServers: cluster.address,
    group: 'G',
    subscriptions: [{ topic: 'T', expression: '*' }],
    pullRetryPauseMs: 20,
    ...options,
  });
}

async function failure(work: Promise<unknown>): Promise<RocketMQError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RocketMQError);
  return error as RocketMQError;
}

describe('a broker that tells an offset below 0', () => {
  it.each([
    ['begin', RequestCode.GET_MIN_OFFSET, commands.getMinOffset],
    ['end', RequestCode.GET_MAX_OFFSET, commands.getMaxOffset],
    [{ timestamp: 1 }, RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, commands.searchOffsetByTimestamp],
  ] as const)('is not followed by a seek to %j', async (target, code, codec) => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(3);
    cluster.on(code, (request, peer) => peer.respond(request, 0, codec.encodeResponse({ offset: -7 })));
    await using consumer = consumerOn(cluster);
    await consumer.start();
    const refused = await failure(consumer.seek(queue(0), target));
    expect(refused).toMatchObject({ code: 'bad-answer', retryable: true });
    expect(refused.message).toContain('-7');
    expect(consumer.position(queue(0))).toBe(0);
    expect(bodies(await consumer.poll())).toEqual(['0', '1', '2']);
  });
});

describe('options of a pull consumer', () => {
  it.each([
    [{ subscriptions: [] }, 'subscriptions'],
    [{ from: { timestamp: -1 } }, 'from'],
    [{ maxBufferedMessages: 0 }, 'maxBufferedMessages'],
    [{ namespace: 'a%b' }, 'namespace'],
    [{ messageTrace: { topic: '' } }, 'messageTrace'],
    [{ maxBufferedBytes: 0.5 }, 'maxBufferedBytes'],
    [{ autoCommit: 'no' as never }, 'autoCommit'],
    [{ pullTimeoutMs: 15_000 }, 'pullTimeoutMs'],
  ] as [Partial<PullConsumerOptions>, string][])('refuses %j', (options, field) => {
    const make = (): PullConsumer => new PullConsumer({ nameServers: 'a:1', group: 'G', ...options });
    expect(make).toThrow(new RegExp(`^${field}: `));
  });

  it('refuses calls before the start, and again after the end', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const consumer = consumerOn(cluster);
    expect(await failure(consumer.poll())).toMatchObject({ code: 'not-started' });
    await consumer.start();
    await consumer.close();
    expect(await failure(consumer.poll())).toMatchObject({ code: 'closed' });
    expect(await failure(consumer.start().then(() => consumer.commit()))).toMatchObject({ code: 'closed' });
  });
});

describe('polling', () => {
  it('gives messages in order, at most as many as asked for, and nothing after the time-out', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(5);
    await using consumer = consumerOn(cluster);
    await consumer.start();
    const got: string[] = [];
    got.push(...bodies(await consumer.poll({ maxMessages: 2 })));
    expect(got).toEqual(['0', '1']);
    expect(consumer.position(queue(0))).toBe(2);
    while (got.length < 5) got.push(...bodies(await consumer.poll({ maxMessages: 2 })));
    expect(got).toEqual(['0', '1', '2', '3', '4']);
    expect(await consumer.poll({ timeoutMs: 20 })).toEqual([]);
    expect(await consumer.poll({ timeoutMs: 0 })).toEqual([]);
  });

  it('ends with the signal, and with the consumer; a second poll meanwhile is refused', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const consumer = consumerOn(cluster);
    await consumer.start();
    const abort = new AbortController();
    const aborted = failure(consumer.poll({ timeoutMs: 60_000, signal: abort.signal }));
    expect(await failure(consumer.poll())).toMatchObject({ code: 'overloaded', retryable: true });
    abort.abort();
    expect(await aborted).toMatchObject({ code: 'aborted' });
    const closed = failure(consumer.poll({ timeoutMs: 60_000 }));
    const iterated = consumer.close().then(() => closed);
    expect(await iterated).toMatchObject({ code: 'closed' });
  });

  it('takes all queues in turn', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    for (const queueId of [0, 1]) cluster.stored[queueId] = numbered(10);
    await using consumer = consumerOn(cluster);
    await consumer.start();
    // The second pull of a queue follows the answer of its first.
    await until(() => cluster.server.requestsOf(PULL_MESSAGE).length === 4, 'messages of both queues');
    const queueIds = new Set<number>();
    for (let polls = 0; polls < 2; polls++)
      for (const message of await consumer.poll({ maxMessages: 1 })) queueIds.add(message.queue.queueId);
    expect(queueIds.size).toBe(2);
  });

  it('fetches no more than its limits allow, but something of every queue', async () => {
    await using cluster = await ScriptedCluster.start({ T: 3 });
    for (const queueId of [0, 1, 2]) cluster.stored[queueId] = numbered(1000);
    await using consumer = consumerOn(cluster, { maxBufferedMessages: 50, pullBatchSize: 20 });
    await consumer.start();
    const pulls = (): number => cluster.server.requestsOf(PULL_MESSAGE).length;
    await until(() => pulls() >= 3, 'a pull of each queue');
    const before = pulls();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(pulls()).toBeLessThanOrEqual(Math.max(before, 6));
    let count = 0;
    while (count < 3000) count += (await consumer.poll({ maxMessages: 100 })).length;
    expect(count).toBe(3000);
  });

  it('tells the caller that the broker refuses, and goes on trying', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(1);
    cluster.on(PULL_MESSAGE, (request, peer) =>
      peer.respond(request, ResponseCode.SYSTEM_ERROR, {
        remark: 'org.apache.rocketmq.acl.common.AclException: No default permission',
      }),
    );
    await using consumer = consumerOn(cluster);
    await consumer.start();
    expect(await failure(consumer.poll({ timeoutMs: 5000 }))).toMatchObject({ code: 'access-denied' });
    cluster.off(PULL_MESSAGE);
    let messages: ReceivedMessage[] = [];
    for (let polls = 0; polls < 10 && messages.length === 0; polls++)
      messages = await consumer.poll({ timeoutMs: 1000 }).catch(() => []);
    expect(bodies(messages)).toEqual(['0']);
  });
});

describe('the messages as an iterator', () => {
  it('gives one after the other, each done when the next is asked for, until the consumer closes', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(4);
    const consumer = consumerOn(cluster, { commitIntervalMs: 10 });
    await consumer.start();
    const got: string[] = [];
    for await (const message of consumer) {
      got.push(message.body.toString());
      if (got.length === 3) {
        await until(() => cluster.commitsOf('T').at(-1) === 2, 'the commit of the two before');
        void consumer.close();
      }
    }
    expect(got).toEqual(['0', '1', '2']);
    await consumer.close();
    expect(cluster.commitsOf('T').at(-1)).toBe(2);
  });

  it('ends with the failure of its signal', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using consumer = consumerOn(cluster);
    await consumer.start();
    const signal = AbortSignal.timeout(30);
    const next = consumer.messages({ signal }).next();
    expect(await failure(next)).toMatchObject({ code: 'aborted' });
  });
});

describe('what a pull consumer has done', () => {
  it('is told by the next poll and the interval, not before', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(4);
    await using consumer = consumerOn(cluster, { commitIntervalMs: 10 });
    await consumer.start();
    expect(await consumer.poll({ maxMessages: 2 })).toHaveLength(2);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(cluster.commitsOf('T').every((offset) => offset === 0)).toBe(true);
    await consumer.poll({ maxMessages: 1 });
    await until(() => cluster.commitsOf('T').at(-1) === 2, 'the commit');
    expect((await failure(consumer.commit([{ queue: queue(0), offset: -1 }]))).message).toMatch(/^offset: /);
    expect((await failure(consumer.commit([queue(7)]))).message).toMatch(/^queue: /);
  });

  it('is told only by commit without autoCommit: all of it, of some queues, or to an offset', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    for (const queueId of [0, 1]) cluster.stored[queueId] = numbered(4);
    const consumer = consumerOn(cluster, { autoCommit: false, commitIntervalMs: 10 });
    await consumer.start();
    let count = 0;
    while (count < 8) count += (await consumer.poll()).length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(cluster.committed).toEqual([]);
    const told = (): unknown[] =>
      cluster.committed
        .splice(0)
        .map(({ queueId, commitOffset }) => [queueId, commitOffset])
        .sort();
    await consumer.commit([queue(1)]);
    expect(told()).toEqual([[1, 4]]);
    await consumer.commit([{ queue: queue(0), offset: 3 }]);
    expect(told()).toEqual([[0, 3]]);
    await consumer.commit();
    expect(told()).toEqual([
      [0, 4],
      [1, 4],
    ]);
    await consumer.close();
    expect(told()).toEqual([]);
  });

  it('is not lost when the broker does not take a commit: the caller learns it, the next one tells it again', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(2);
    await using consumer = consumerOn(cluster, { autoCommit: false });
    await consumer.start();
    await consumer.poll();
    cluster.on(UPDATE_CONSUMER_OFFSET, (request, peer) => peer.respond(request, ResponseCode.SYSTEM_BUSY));
    expect(await failure(consumer.commit())).toMatchObject({ code: 'broker-error', retryable: true });
    cluster.off(UPDATE_CONSUMER_OFFSET);
    await consumer.commit();
    expect(cluster.commitsOf('T')).toEqual([2]);
  });

  it('is asked for without the zero that brokers answer for young queues', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using consumer = consumerOn(cluster);
    await consumer.start();
    let asked: unknown;
    cluster.on(QUERY_CONSUMER_OFFSET, (request, peer) => {
      asked = commands.queryConsumerOffset.decodeRequest(request).setZeroIfNotFound;
      peer.respond(request, ResponseCode.QUERY_NOT_FOUND);
    });
    expect(await consumer.committed(queue(0))).toBeUndefined();
    expect(asked).toBe(false);
    cluster.on(QUERY_CONSUMER_OFFSET, (request, peer) =>
      peer.respond(request, 0, { extFields: { offset: '5' } }),
    );
    expect(await consumer.committed(queue(0))).toBe(5);
  });
});

describe('seeking', () => {
  it('goes back and forth, forgets what was fetched, and drops the answer that was under way', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(10);
    await using consumer = consumerOn(cluster, { pullBatchSize: 3 });
    await consumer.start();
    expect(bodies(await consumer.poll({ maxMessages: 2 }))).toEqual(['0', '1']);
    await consumer.seek(queue(0), 7);
    expect(consumer.position(queue(0))).toBe(7);
    expect(bodies(await consumer.poll({ maxMessages: 2 }))).toEqual(['7', '8']);
    cluster.on(RequestCode.GET_MIN_OFFSET, (request, peer) =>
      peer.respond(request, 0, { extFields: { offset: '1' } }),
    );
    cluster.on(RequestCode.GET_MAX_OFFSET, (request, peer) =>
      peer.respond(request, 0, { extFields: { offset: '10' } }),
    );
    cluster.on(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, (request, peer) =>
      peer.respond(request, 0, { extFields: { offset: '5' } }),
    );
    await consumer.seek(queue(0), 'begin');
    expect(bodies(await consumer.poll({ maxMessages: 1 }))).toEqual(['1']);
    await consumer.seek(queue(0), 'end');
    expect(await consumer.poll({ timeoutMs: 30 })).toEqual([]);
    await consumer.seek(queue(0), { timestamp: 1700000000000 });
    expect(bodies(await consumer.poll({ maxMessages: 1 }))).toEqual(['5']);
    expect((await failure(consumer.seek(queue(0), -1))).message).toMatch(/^target: /);
    expect((await failure(consumer.seek(queue(9), 0))).message).toMatch(/^queue: /);
  });

  it('is what a broker does that says "moved": the next commit tells the new place', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(10);
    cluster.on(QUERY_CONSUMER_OFFSET, (request, peer) =>
      peer.respond(request, 0, { extFields: { offset: '500' } }),
    );
    cluster.on(PULL_MESSAGE, (request, peer) => {
      const { queueOffset } = commands.pullMessage.decodeRequest(request);
      if (queueOffset === 500) cluster.pulled(request, peer, ResponseCode.PULL_OFFSET_MOVED, 8);
      else cluster.pull(request, peer);
    });
    await using consumer = consumerOn(cluster, { commitIntervalMs: 10 });
    await consumer.start();
    expect(bodies(await consumer.poll({ timeoutMs: 5000 }))).toEqual(['8', '9']);
    await consumer.poll({ timeoutMs: 0 });
    await until(() => cluster.commitsOf('T').at(-1) === 10, 'the commit');
    expect(cluster.commitsOf('T')).not.toContain(500);
  });
});

describe('pausing', () => {
  it('gives nothing of a paused queue until it is resumed', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(3);
    await using consumer = consumerOn(cluster);
    await consumer.start();
    consumer.pause();
    expect(await consumer.poll({ timeoutMs: 40 })).toEqual([]);
    const polled = consumer.poll({ timeoutMs: 5000 });
    consumer.resume([queue(0)]);
    expect(bodies(await polled)).toEqual(['0', '1', '2']);
  });
});

describe('assigned queues', () => {
  it('are read without being a member of the group, and change with the next call', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    cluster.stored[0] = [{ body: 'a' }];
    cluster.stored[1] = [
      { body: 'b', properties: { TAGS: 'x' } },
      { body: 'c', properties: { TAGS: 'y' } },
    ];
    await using consumer = new PullConsumer({ nameServers: cluster.address, group: 'G' });
    await consumer.start();
    expect(await consumer.topicQueues('T')).toEqual([queue(0), queue(1)]);
    await consumer.assign([queue(0)]);
    expect(bodies(await consumer.poll({ timeoutMs: 5000 }))).toEqual(['a']);
    await consumer.assign([queue(1)], 'y');
    expect(consumer.queues).toEqual([queue(1)]);
    expect(bodies(await consumer.poll({ timeoutMs: 5000 }))).toEqual(['c']);
    const [pull] = cluster.server.requestsOf(PULL_MESSAGE).slice(-1);
    if (pull === undefined) throw new Error('it has pulled');
    expect(commands.pullMessage.decodeRequest(pull)).toMatchObject({ sysFlag: 6, subscription: 'y' });
    expect(cluster.server.requestsOf(HEART_BEAT)).toEqual([]);
    expect(() => consumer.position(queue(0))).toThrow(/^queue: /);
  });

  it('stay as they are when one cannot be opened, and are refused where there are subscriptions', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    await using consumer = new PullConsumer({ nameServers: cluster.address, group: 'G' });
    await consumer.start();
    await consumer.assign([queue(0)]);
    cluster.on(QUERY_CONSUMER_OFFSET, (request, peer) => peer.respond(request, ResponseCode.SYSTEM_BUSY));
    expect(await failure(consumer.assign([queue(1)]))).toMatchObject({ code: 'broker-error' });
    expect(consumer.queues).toEqual([queue(0)]);
    expect((await failure(consumer.assign([queue(1)], '||'))).message).toMatch(/^filter.expression: /);
    await using member = consumerOn(cluster);
    cluster.off(QUERY_CONSUMER_OFFSET);
    await member.start();
    expect((await failure(member.assign([queue(0)]))).message).toMatch(/^assign: /);
  });
});
