import { describe, expect, it } from 'vitest';
import { RequestCode } from '@dt/rocketmq-protocol';
import { PushConsumer, type PushConsumerOptions } from '@dt/rocketmq-client';
import { PauseSwitch } from '../../src/consumer/pause-switch.ts';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

const queue = (queueId: number) => ({ topic: 'T', brokerName: 'broker-a', queueId });

function consumerOn(cluster: ScriptedCluster, options: Partial<PushConsumerOptions>): PushConsumer {
  return new PushConsumer({
    nameServers: cluster.address,
    group: 'G',
    subscriptions: [{ topic: 'T', expression: '*' }],
    handler: async () => undefined,
    ...options,
  });
}

describe('the switch for pauses', () => {
  it('holds for some queues, for all, and for all but some', () => {
    const pauses = new PauseSwitch();
    const paused = (): number[] => [0, 1, 2].filter((queueId) => pauses.isPaused(queue(queueId)));
    expect(paused()).toEqual([]);
    pauses.set(true, [queue(1)]);
    pauses.set(true, [queue(1)]);
    expect(paused()).toEqual([1]);
    pauses.set(true);
    expect(paused()).toEqual([0, 1, 2]);
    pauses.set(false, [queue(0), queue(1)]);
    expect(paused()).toEqual([2]);
    pauses.set(true, [queue(0)]);
    expect(paused()).toEqual([0, 2]);
    pauses.set(false);
    expect(paused()).toEqual([]);
  });

  it('wakes who waits for a change', async () => {
    const pauses = new PauseSwitch();
    const changed = pauses.changed(new AbortController().signal);
    pauses.set(true);
    await changed;
  });
});

describe('a paused consumer', () => {
  it('starts no call and no pull, lets the running call count, and goes on in order', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = Array.from({ length: 6 }, (_, i) => ({ body: String(i) }));
    const got: string[] = [];
    let end: () => void = () => undefined;
    const consumer = consumerOn(cluster, {
      ...{ batchSize: 1, maxCachedMessages: 2, pullBatchSize: 2, commitIntervalMs: 20 },
      handler: async ([message]) => {
        got.push(String(message?.body));
        if (got.length === 2) await new Promise<void>((resolve) => (end = resolve));
      },
    });
    await consumer.start();
    await until(() => got.length === 2, 'the second call');
    consumer.pause();
    end();
    await until(() => cluster.commitsOf('T').at(-1) === 2, 'the commit of the running call');
    const pulls = cluster.server.requestsOf(RequestCode.PULL_MESSAGE).length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(got).toHaveLength(2);
    expect(cluster.server.requestsOf(RequestCode.PULL_MESSAGE).length).toBe(pulls);
    expect(consumer.queues).toHaveLength(2);
    consumer.resume();
    await until(() => got.length === 6, 'the rest');
    await consumer.close();
    expect(got).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  it('can pause one queue alone, before it starts', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    for (const queueId of [0, 1]) cluster.stored[queueId] = [{ body: String(queueId) }];
    const got: string[] = [];
    const consumer = consumerOn(cluster, {
      handler: async ([message]) => void got.push(String(message?.body)),
    });
    consumer.pause([queue(0)]);
    await consumer.start();
    await until(() => got.length === 1, 'the message of the other queue');
    consumer.resume([queue(0)]);
    await until(() => got.length === 2, 'its message');
    expect(got).toEqual(['1', '0']);
    consumer.pause();
    const startedAt = Date.now();
    await consumer.close();
    expect(Date.now() - startedAt).toBeLessThan(2000);
  });
});

describe('the lag of a consumer', () => {
  it('counts what is stored behind the last message done, and fails with the broker', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }, { body: 'b' }];
    cluster.on(RequestCode.GET_MAX_OFFSET, (request, peer) =>
      peer.respond(request, 0, { extFields: { offset: request.extFields['topic'] === 'T' ? '7' : '0' } }),
    );
    let handled = 0;
    await using consumer = consumerOn(cluster, {
      handler: async (messages) => void (handled += messages.length),
    });
    expect(await consumer.lag()).toEqual([]);
    await consumer.start();
    await until(() => handled === 2, 'both messages');
    // A queue's progress moves when its handler has returned.
    await new Promise((resolve) => setImmediate(resolve));
    const lags = await consumer.lag();
    expect(lags.find((lag) => lag.queue.topic === 'T')).toEqual({
      ...{ queue: queue(0), maxOffset: 7, commitOffset: 2, lag: 5 },
    });
    expect(lags.find((lag) => lag.queue.topic === '%RETRY%G')?.lag).toBe(0);
    cluster.on(RequestCode.GET_MAX_OFFSET, (request, peer) => peer.respond(request, 1));
    await expect(consumer.lag()).rejects.toMatchObject({ code: 'broker-error' });
  });
});
