import { describe, expect, it } from 'vitest';
import { commands, RequestCode } from '@dt/rocketmq-protocol';
import { type MessageHandler, PushConsumer, type PushConsumerOptions } from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

const { CONSUMER_SEND_MSG_BACK } = RequestCode;

function consumerOn(cluster: ScriptedCluster, options: Partial<PushConsumerOptions>): PushConsumer {
  return new PushConsumer({
    ...{ nameServers: cluster.address, group: 'G', commitIntervalMs: 10, suspendMs: 10 },
    subscriptions: [{ topic: 'T', expression: '*' }],
    handler: async () => undefined,
    ...options,
  });
}

/** Offset and delay level of each message sent back. */
const sentBack = (cluster: ScriptedCluster): number[][] =>
  cluster.server.requestsOf(CONSUMER_SEND_MSG_BACK).map((request) => {
    const { offset, delayLevel } = commands.consumerSendMessageBack.decodeRequest(request);
    return [offset / 1000, delayLevel];
  });

const numbered = (count: number) => Array.from({ length: count }, (_, i) => ({ body: String(i) }));
const bodies = (messages: Parameters<MessageHandler>[0]): string[] =>
  messages.map(({ body }) => body.toString());

describe('a handler that names the messages that failed', () => {
  it('has only those sent back; the others are done', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(5);
    const calls: string[][] = [];
    await using consumer = consumerOn(cluster, {
      handler: async (messages) => {
        calls.push(bodies(messages));
        return { failed: messages.filter((_, i) => i === 1 || i === 3) };
      },
    });
    await consumer.start();
    await until(() => cluster.commitsOf('T').at(-1) === 5, 'the commit behind all');
    expect(calls).toEqual([['0', '1', '2', '3', '4']]);
    expect(sentBack(cluster)).toEqual([
      [1, 0],
      [3, 0],
    ]);
  });

  it('gets only those again with suspend, and nothing passes them', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(4);
    const calls: [string[], number][] = [];
    await using consumer = consumerOn(cluster, {
      ...{ onError: 'suspend', batchSize: 3 },
      handler: async (messages, { attempt }) => {
        calls.push([bodies(messages), attempt]);
        return { failed: attempt < 3 ? messages.slice(-1) : [] };
      },
    });
    await consumer.start();
    await until(() => calls.length === 6, 'all calls');
    expect(calls).toEqual([
      [['0', '1', '2'], 1],
      [['2'], 2],
      [['2'], 3],
      [['3'], 1],
      [['3'], 2],
      [['3'], 3],
    ]);
    await until(() => cluster.commitsOf('T').at(-1) === 4, 'the last commit');
    expect(cluster.commitsOf('T')).toEqual([...cluster.commitsOf('T')].sort((a, b) => a - b));
  });

  it('fails as a whole when it names messages it was not given, or throws in the call itself', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(2);
    let calls = 0;
    await using consumer = consumerOn(cluster, {
      onError: 'suspend',
      handler: ([message]) => {
        calls++;
        if (calls === 1) return Promise.resolve({ failed: [{ ...message } as never] });
        if (calls === 2) throw new Error('not even a promise');
        return Promise.resolve();
      },
    });
    await consumer.start();
    await until(() => cluster.commitsOf('T').at(-1) === 2, 'the commit');
    expect(calls).toBe(3);
  });
});

describe('a handler that takes too long', () => {
  it('has its messages sent back with level 3 and is told; the queue goes on, its place stays taken', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(3);
    const ends: (() => void)[] = [];
    const signals: AbortSignal[] = [];
    const got: string[] = [];
    await using consumer = consumerOn(cluster, {
      ...{ batchSize: 1, consumeTimeoutMs: 30, concurrency: 2 },
      handler: async (messages, { signal }) => {
        got.push(...bodies(messages));
        signals.push(signal);
        if (got.length <= 2) await new Promise<void>((resolve) => ends.push(resolve));
      },
    });
    await consumer.start();
    await until(() => sentBack(cluster).length === 2, 'two messages sent back');
    expect(sentBack(cluster)).toEqual([
      [0, 3],
      [1, 3],
    ]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    await until(() => cluster.commitsOf('T').at(-1) === 2, 'the commit');
    expect(got).toEqual(['0', '1']);
    ends.shift()?.();
    await until(() => cluster.commitsOf('T').at(-1) === 3, 'the third, in the place that became free');
    expect(signals[2]?.aborted).toBe(false);
    ends.shift()?.();
  });

  it('is waited for with suspend, whatever the time', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(1);
    const signals: AbortSignal[] = [];
    await using consumer = consumerOn(cluster, {
      ...{ onError: 'suspend', consumeTimeoutMs: 10 },
      handler: async (_, { signal }) => {
        signals.push(signal);
        await new Promise((resolve) => setTimeout(resolve, 80));
      },
    });
    await consumer.start();
    await until(() => cluster.commitsOf('T').at(-1) === 1, 'the commit');
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });
});
