import { describe, expect, it } from 'vitest';
import { commands, RequestCode } from '@dt/rocketmq-protocol';
import { PushConsumer, type PushConsumerOptions } from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

const { LOCK_BATCH_MQ, UNLOCK_BATCH_MQ, PULL_MESSAGE, UPDATE_CONSUMER_OFFSET, UNREGISTER_CLIENT } =
  RequestCode;

function consumerOn(cluster: ScriptedCluster, options: Partial<PushConsumerOptions> = {}): PushConsumer {
  return new PushConsumer({
    nameServers: cluster.address,
    group: 'G',
    subscriptions: [{ topic: 'T', expression: '*' }],
    handler: async () => undefined,
    queueLocks: true,
    pullRetryPauseMs: 20,
    ...options,
  });
}

const codes = (cluster: ScriptedCluster): number[] => cluster.server.requests.map(({ code }) => code);

const pullsOf = (cluster: ScriptedCluster, topic: string): number =>
  cluster.server.requestsOf(PULL_MESSAGE).filter(({ extFields }) => extFields['topic'] === topic).length;

/** A handler whose calls end when the test says so. */
function heldHandler() {
  const calls: { signal: AbortSignal; end: () => void }[] = [];
  const handler: PushConsumerOptions['handler'] = (_, { signal }) =>
    new Promise((resolve) => calls.push({ signal, end: resolve }));
  return { calls, handler };
}

describe('options of queue locks', () => {
  it.each([
    [{ onError: 'sendBack' }, 'onError: "sendBack" is not allowed, expected \'suspend\' with queueLocks'],
    [{ queueLocks: 'yes' as never }, 'queueLocks'],
    [{ lockValidMs: 60_000 }, 'lockValidMs: 60000 is not allowed, expected an integer from 2 to 45000'],
    [{ lockRenewMs: 30_000 }, 'lockRenewMs: 30000 is not allowed, expected an integer from 1 to 29999'],
  ] as [Partial<PushConsumerOptions>, string][])('%j are refused', async (options, text) => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    expect(() => consumerOn(cluster, options)).toThrow(text);
  });
});

describe('a consumer with queue locks', () => {
  it('locks a queue before it asks for its offset, and unlocks it after the last commit', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }];
    let handled = 0;
    const consumer = consumerOn(cluster, { handler: async () => void handled++ });
    await consumer.start();
    await until(() => handled === 1, 'the message');
    const order = codes(cluster);
    expect(order.indexOf(LOCK_BATCH_MQ)).toBeLessThan(order.indexOf(RequestCode.QUERY_CONSUMER_OFFSET));
    expect([...cluster.lockOwners.keys()].sort()).toEqual(['%RETRY%G:0', 'T:0']);
    await consumer.close();
    expect(cluster.lockOwners.size).toBe(0);
    const closing = cluster.server.requests.filter(({ code, extFields, body }) =>
      code === UPDATE_CONSUMER_OFFSET
        ? extFields['topic'] === 'T'
        : code === UNREGISTER_CLIENT || (code === UNLOCK_BATCH_MQ && body.includes('"T"')),
    );
    expect(closing.map(({ code }) => code)).toEqual([
      UPDATE_CONSUMER_OFFSET,
      UNLOCK_BATCH_MQ,
      UNREGISTER_CLIENT,
    ]);
    expect(cluster.commitsOf('T')).toEqual([1]);
  });

  it('renews the locks of all its queues with one request a broker', async () => {
    await using cluster = await ScriptedCluster.start({ T: 3 });
    await using consumer = consumerOn(cluster, { lockRenewMs: 20 });
    await consumer.start();
    const sizes = () =>
      cluster.server
        .requestsOf(LOCK_BATCH_MQ)
        .map((request) => commands.lockQueues.decodeRequest(request).queues.length);
    await until(() => sizes().filter((size) => size === 4).length >= 3, 'renewals');
    expect(sizes().slice(0, 4)).toEqual([1, 1, 1, 1]);
  });

  it('leaves a queue alone while somebody else owns it', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    cluster.stored[0] = [{ body: 'a' }];
    cluster.lockOwners.set('T:0', 'another');
    let handled = 0;
    await using consumer = consumerOn(cluster, { handler: async () => void handled++ });
    await consumer.start();
    expect(consumer.queues.map(({ topic, queueId }) => `${topic}:${queueId}`).sort()).toEqual([
      '%RETRY%G:0',
      'T:1',
    ]);
    await until(() => pullsOf(cluster, 'T') === 1, 'the pull of the other queue');
    expect(handled).toBe(0);
    cluster.lockOwners.delete('T:0');
    await until(() => handled === 1, 'the message');
  });

  it('does not count what a handler does after its lock went to somebody else', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }, { body: 'b' }];
    const { calls, handler } = heldHandler();
    const consumer = consumerOn(cluster, { lockRenewMs: 20, commitIntervalMs: 10, batchSize: 1, handler });
    await consumer.start();
    await until(() => calls.length === 1, 'the handler');
    cluster.lockOwners.set('T:0', 'another');
    await until(() => calls[0]?.signal.aborted === true, 'the signal');
    cluster.lockOwners.delete('T:0');
    // Locked again only when the handler of the first lock has ended.
    await until(() => consumer.queues.every(({ topic }) => topic !== 'T'), 'the queue to be dropped');
    const locks = cluster.server.requestsOf(LOCK_BATCH_MQ).length;
    await until(() => cluster.server.requestsOf(LOCK_BATCH_MQ).length > locks + 5, 'renewals of the rest');
    expect(cluster.lockOwners.has('T:0')).toBe(false);
    calls[0]?.end();
    await until(() => calls.length === 2, 'the same message again');
    // Where it began is told; nothing beyond it.
    expect(cluster.commitsOf('T').filter((offset) => offset > 0)).toEqual([]);
    calls[1]?.end();
    await until(() => calls.length === 3, 'the next message');
    calls[2]?.end();
    await until(() => cluster.commitsOf('T').at(-1) === 2, 'the commit');
    await consumer.close();
    expect(cluster.commitsOf('T')).toEqual([...cluster.commitsOf('T')].sort());
  });

  it('stops by its own clock when no renewal comes through, and goes on when one does', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }];
    const { calls, handler } = heldHandler();
    await using consumer = consumerOn(cluster, {
      ...{ lockRenewMs: 50, lockValidMs: 300, requestTimeoutMs: 500, handler },
    });
    await consumer.start();
    await until(() => calls.length === 1, 'the handler');
    cluster.on(LOCK_BATCH_MQ, () => undefined);
    const silentSince = Date.now();
    await until(() => calls[0]?.signal.aborted === true, 'the signal');
    expect(Date.now() - silentSince).toBeLessThan(2000);
    calls[0]?.end();
    await until(() => consumer.queues.length === 0, 'no queue');
    const pulls = cluster.server.requestsOf(PULL_MESSAGE).length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(cluster.server.requestsOf(PULL_MESSAGE).length).toBe(pulls);
    expect(cluster.commitsOf('T')).toEqual([]);
    cluster.off(LOCK_BATCH_MQ);
    await until(() => calls.length === 2, 'the message again');
    calls[1]?.end();
  });

  it('keeps the lock of a queue it gives away while a handler will not end', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }];
    const { calls, handler } = heldHandler();
    const consumer = consumerOn(cluster, { handlerGraceMs: 20, rebalanceIntervalMs: 50, handler });
    await consumer.start();
    await until(() => calls.length === 1, 'the handler');
    const before = cluster.server.requestsOf(UNLOCK_BATCH_MQ).length;
    // Sorts before ours and gets the only queue.
    cluster.on(RequestCode.GET_CONSUMER_LIST_BY_GROUP, (request, peer) =>
      peer.respond(
        request,
        0,
        commands.getConsumerListByGroup.encodeResponse({ clientIds: ['0', consumer.clientId] }),
      ),
    );
    await until(() => consumer.queues.length === 0, 'the queue to be given away');
    expect(cluster.lockOwners.get('T:0')).toBe(consumer.clientId);
    calls[0]?.end();
    await until(() => !cluster.lockOwners.has('T:0'), 'the lock to be given back');
    expect(cluster.server.requestsOf(UNLOCK_BATCH_MQ).length).toBe(before + 2);
    await consumer.close();
  });

  it('closes in time when the broker does not answer the release', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const consumer = consumerOn(cluster, { requestTimeoutMs: 60_000, closeTimeoutMs: 500 });
    await consumer.start();
    cluster.on(UNLOCK_BATCH_MQ, () => undefined);
    await consumer.close();
    expect(cluster.server.requestsOf(UNLOCK_BATCH_MQ)).not.toEqual([]);
  });
});
