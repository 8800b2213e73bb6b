import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateAverage, allocation, type AllocationStrategy, PushConsumer } from '@dt/rocketmq-client';
import { compareMessageQueues, type MessageQueue, RequestCode } from '@dt/rocketmq-protocol';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

interface Vector {
  strategy: 'AVG' | 'AVG_BY_CIRCLE' | 'CONSISTENT_HASH' | 'MACHINE_ROOM';
  nearby?: boolean;
  options: { virtualNodes?: number; rooms?: string[] };
  topic: string;
  clients: string[];
  /** Queues by broker name. */
  brokers: Record<string, number>;
  /** `broker:queue`, client by client. */
  shares: string[][];
}

/** What Java's AllocateMessageQueue classes give, printed by a program that ran them. */
const vectors = JSON.parse(
  readFileSync(new URL('./allocation-vectors.json', import.meta.url), 'utf8'),
) as Vector[];

function queuesOf(topic: string, brokers: Record<string, number>): MessageQueue[] {
  return Object.entries(brokers)
    .flatMap(([brokerName, count]) =>
      Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId })),
    )
    .sort(compareMessageQueues);
}

function strategyOf({ strategy, nearby, options }: Vector): AllocationStrategy {
  const strategies: Record<Vector['strategy'], () => AllocationStrategy> = {
    AVG: () => allocation.average,
    AVG_BY_CIRCLE: () => allocation.averageByCircle,
    CONSISTENT_HASH: () => allocation.consistentHash(options),
    MACHINE_ROOM: () => allocation.machineRoom(options.rooms ?? []),
  };
  if (nearby !== true) return strategies[strategy]();
  const before = (text: string): string => text.split('-')[0] ?? '';
  return allocation.nearbyRoom({
    roomOfQueue: ({ brokerName }) => before(brokerName),
    roomOfClient: before,
    strategy: strategies[strategy](),
  });
}

const sharesOf = (
  strategy: AllocationStrategy,
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
): (readonly MessageQueue[])[] =>
  clientIds.map((clientId) => strategy({ group: 'G', clientId, queues, clientIds }));

describe('sharing out queues', () => {
  it.each(vectors.map((vector) => [JSON.stringify({ ...vector, shares: undefined }), vector] as const))(
    'gives what Java gives: %s',
    (_, vector) => {
      const shares = sharesOf(strategyOf(vector), queuesOf(vector.topic, vector.brokers), vector.clients);
      expect(
        shares.map((share) => share.map(({ brokerName, queueId }) => `${brokerName}:${queueId}`)),
      ).toEqual(vector.shares);
    },
  );

  const group = fc
    .record({ queues: fc.integer({ min: 1, max: 100 }), clients: fc.integer({ min: 1, max: 30 }) })
    .map(({ queues, clients }) => ({
      queues: queuesOf('T', { a: queues }),
      clientIds: Array.from({ length: clients }, (_, n) => `10.0.0.1@${n}#x`).sort(),
    }));

  it('gives every queue to exactly one client, on average nobody two more than another', () => {
    const strategies = [allocation.average, allocation.averageByCircle, allocation.consistentHash()];
    fc.assert(
      fc.property(group, ({ queues, clientIds }) => {
        for (const strategy of strategies) {
          const shares = sharesOf(strategy, queues, clientIds);
          expect(shares.flat().sort(compareMessageQueues)).toEqual(queues);
          if (strategy === strategies[2]) continue;
          const sizes = shares.map((share) => share.length);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('moves by consistent hash only the queues of a member that leaves', () => {
    fc.assert(
      fc.property(group, ({ queues, clientIds }) => {
        const strategy = allocation.consistentHash();
        const before = sharesOf(strategy, queues, clientIds);
        const after = sharesOf(strategy, queues, clientIds.slice(1));
        after.forEach((share, i) =>
          expect(share).toEqual(expect.arrayContaining([...(before[i + 1] ?? [])])),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('gives by config what is listed and exists, and shares the retry topic on average', () => {
    const queues = queuesOf('T', { a: 4 });
    const strategy = allocation.config([
      ...queues.slice(1, 3),
      { topic: 'T', brokerName: 'gone', queueId: 0 },
    ]);
    expect(sharesOf(strategy, queues, ['x', 'y'])).toEqual([queues.slice(1, 3), queues.slice(1, 3)]);
    const retry = queuesOf('%RETRY%G', { a: 2 });
    expect(sharesOf(strategy, retry, ['x', 'y'])).toEqual([[retry[0]], [retry[1]]]);
    const named = allocation.config([...queues, ...retry.slice(1)]);
    expect(sharesOf(named, retry, ['x'])).toEqual([retry.slice(1)]);
  });

  it('gives nothing on average to a client that the group does not know', () => {
    expect(allocateAverage([1, 2], ['a'], 'b')).toEqual([]);
    expect(allocateAverage([1, 2], [], 'b')).toEqual([]);
  });

  it('refuses what cannot be meant', () => {
    expect(() => allocation.consistentHash({ virtualNodes: 0 })).toThrow(/^virtualNodes: /);
    expect(() => allocation.machineRoom([])).toThrow(/^rooms: /);
    expect(() => allocation.config('all' as never)).toThrow(/^queues: /);
    expect(() => allocation.nearbyRoom({ roomOfQueue: () => 'a' } as never)).toThrow(/^roomOfClient: /);
    const roomless = allocation.nearbyRoom({ roomOfQueue: () => '', roomOfClient: () => 'a' });
    expect(() => sharesOf(roomless, queuesOf('T', { a: 1 }), ['x'])).toThrow(/^no room for/);
  });
});

describe('a consumer with a strategy of its own', () => {
  const consumerOn = (cluster: ScriptedCluster, allocate: AllocationStrategy): PushConsumer =>
    new PushConsumer({
      ...{ nameServers: cluster.address, group: 'G', rebalanceIntervalMs: 20, allocate },
      subscriptions: [{ topic: 'T', expression: '*' }],
      handler: async () => undefined,
    });

  it('consumes what it says, and keeps what it has while it fails', async () => {
    await using cluster = await ScriptedCluster.start({ T: 4 });
    let fails = false;
    let calls = 0;
    await using consumer = consumerOn(cluster, ({ queues, clientId, clientIds }) => {
      calls++;
      expect(clientIds).toContain(clientId);
      if (fails) throw new Error('no share today');
      return queues.filter(({ queueId }) => queueId % 2 === 1);
    });
    await consumer.start();
    const held = (): number[] =>
      consumer.queues.filter(({ topic }) => topic === 'T').map(({ queueId }) => queueId);
    expect(held()).toEqual([1, 3]);
    fails = true;
    const before = calls;
    await until(() => calls > before + 2, 'shares that fail');
    expect(held()).toEqual([1, 3]);
  });

  it('does not take queues that are not there', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using consumer = consumerOn(cluster, ({ queues }) => [
      ...queues,
      { topic: 'T', brokerName: 'broker-a', queueId: 9 },
    ]);
    await consumer.start();
    expect(consumer.queues).toEqual([]);
    expect(cluster.server.requestsOf(RequestCode.PULL_MESSAGE)).toEqual([]);
  });

  it('must be a function', () => {
    const make = (): unknown => consumerOn({ address: 'a:1' } as ScriptedCluster, 'average' as never);
    expect(make).toThrow(/^allocate: /);
  });
});
