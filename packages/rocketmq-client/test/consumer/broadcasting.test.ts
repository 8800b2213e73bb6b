import { describe, expect, it } from 'vitest';
import { commands, type MessageQueue, messageQueueKey, RequestCode } from '@dt/rocketmq-protocol';
import {
  type OffsetStore,
  PushConsumer,
  type PushConsumerOptions,
  type ReceivedMessage,
} from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

class MemoryStore implements OffsetStore {
  readonly offsets = new Map<string, number>();
  failures = 0;

  async load(queue: MessageQueue): Promise<number | undefined> {
    if (this.failures-- > 0) throw new Error('not now');
    return this.offsets.get(messageQueueKey(queue));
  }

  async save(entries: Parameters<OffsetStore['save']>[0]): Promise<void> {
    for (const { queue, offset } of entries) this.offsets.set(messageQueueKey(queue), offset);
  }
}

function consumerOn(
  cluster: ScriptedCluster,
  store: OffsetStore,
  options: Partial<PushConsumerOptions> = {},
): PushConsumer {
  return new PushConsumer({
    nameServers: cluster.address,
    group: 'G',
    subscriptions: [{ topic: 'T', expression: '*' }],
    handler: async () => undefined,
    from: 'first',
    model: 'broadcasting',
    offsetStore: store,
    suspendMs: 10,
    pullRetryPauseMs: 20,
    ...options,
  });
}

const bodies = (messages: readonly ReceivedMessage[]): string =>
  messages.map((message) => message.body.toString()).join('');

describe('options of a broadcasting consumer', () => {
  it.each([
    [{ offsetStore: undefined }, 'offsetStore: undefined is not allowed, expected a store'],
    [{ model: 'clustering' }, 'offsetStore'],
    [{ model: 'multicast' as never }, 'model: "multicast" is not allowed'],
    [{ onError: 'sendBack' }, 'onError: "sendBack" is not allowed, expected one of drop, suspend'],
    [{ model: 'clustering', offsetStore: undefined, onError: 'drop' }, 'one of sendBack, suspend'],
    [{ queueLocks: true }, 'queueLocks: true is not allowed'],
  ] as [Partial<PushConsumerOptions>, string][])('%j are checked together', async (options, text) => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    expect(() => consumerOn(cluster, new MemoryStore(), options)).toThrow(text);
  });
});

describe('a broadcasting consumer', () => {
  it('takes all queues whoever else is there, and tells no broker how far it is', async () => {
    await using cluster = await ScriptedCluster.start({ T: 3 });
    for (const queueId of [0, 1, 2]) cluster.stored[queueId] = [{ body: `${queueId}` }];
    const store = new MemoryStore();
    store.offsets.set(messageQueueKey({ topic: 'T', brokerName: 'broker-a', queueId: 1 }), 1);
    const others = commands.getConsumerListByGroup.encodeResponse({ clientIds: ['0', '1'] });
    cluster.on(RequestCode.GET_CONSUMER_LIST_BY_GROUP, (request, peer) => peer.respond(request, 0, others));
    const got: string[] = [];
    const consumer = consumerOn(cluster, store, {
      handler: async (messages) => void got.push(bodies(messages)),
    });
    await consumer.start();
    expect(consumer.queues).toHaveLength(3);
    await until(() => got.length === 2, 'the messages that were not done');
    await consumer.close();
    expect(got.sort()).toEqual(['0', '2']);
    expect([...store.offsets.values()]).toEqual([1, 1, 1]);
    expect(cluster.committed).toEqual([]);
    expect(cluster.server.requestsOf(RequestCode.QUERY_CONSUMER_OFFSET)).toEqual([]);
    const [heartbeat] = cluster.server.requestsOf(RequestCode.HEART_BEAT);
    const [data] = heartbeat ? commands.heartBeat.decodeRequest(heartbeat).consumers : [];
    expect(data?.messageModel).toBe('BROADCASTING');
    expect(data?.subscriptions.map(({ topic }) => topic)).toEqual(['T']);
  });

  it('drops messages that failed often enough, and only those that were tried that often', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }];
    const calls: string[] = [];
    const errors: unknown[] = [];
    const ignore = (): void => undefined;
    const store = new MemoryStore();
    const consumer = consumerOn(cluster, store, {
      maxReconsumeTimes: 2,
      logger: {
        ...{ debug: ignore, info: ignore, warn: ignore },
        error: (message, fields) => errors.push([message, fields?.['queueOffset']]),
      },
      handler: async (messages, { attempt }) => {
        calls.push(`${bodies(messages)}${attempt}`);
        if (calls.length === 1) {
          // Comes while the first one is being tried.
          cluster.stored[0]?.push({ body: 'b' });
          const held = cluster.server.requestsOf(RequestCode.PULL_MESSAGE).at(-1);
          const peer = cluster.server.peers.at(-1);
          if (held && peer) cluster.pull(held, peer);
        }
        if (bodies(messages).startsWith('a')) throw new Error('no');
      },
    });
    await consumer.start();
    await until(() => calls.length >= 4, 'the next message');
    await consumer.close();
    expect(calls).toEqual(['a1', 'a2', 'a3', 'b1']);
    expect(errors).toEqual([['messages dropped', 0]]);
    expect([...store.offsets.values()]).toEqual([2]);
    expect(cluster.server.requestsOf(RequestCode.CONSUMER_SEND_MSG_BACK)).toEqual([]);
  });

  it('tries for ever when it suspends', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }];
    const attempts: number[] = [];
    const store = new MemoryStore();
    const consumer = consumerOn(cluster, store, {
      ...{ onError: 'suspend', maxReconsumeTimes: 1 },
      handler: async (_, { attempt }) => {
        attempts.push(attempt);
        throw new Error('no');
      },
    });
    await consumer.start();
    await until(() => attempts.length === 5, 'five tries');
    await consumer.close();
    expect(attempts.slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
    expect([...store.offsets.values()]).toEqual([0]);
  });

  it('does not guess where a queue begins when the store fails', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }, { body: 'b' }];
    const store = new MemoryStore();
    store.offsets.set(messageQueueKey({ topic: 'T', brokerName: 'broker-a', queueId: 0 }), 1);
    store.failures = 1;
    const got: string[] = [];
    await using consumer = consumerOn(cluster, store, {
      handler: async (messages) => void got.push(bodies(messages)),
    });
    await consumer.start();
    expect(consumer.queues).toEqual([]);
    await until(() => got.length === 1, 'the message after the next try');
    expect(got).toEqual(['b']);
  });
});
