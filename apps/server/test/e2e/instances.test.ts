import { type RunningBroker, startBroker } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, findFreePort, type Program } from '@dt/testkit';
import { reconcile } from '../../src/operations/reconcile.ts';
import { createWorld, delivered, target, type World } from './harness.ts';
import { startLoadBalancer } from './load-balancer.ts';

let broker: RunningBroker;

beforeAll(async () => {
  broker = await startBroker(target);
});
afterAll(async () => {
  await broker.close();
});

describe(`several instances over ${target} RocketMQ`, () => {
  it('are restarted one after the other behind a load balancer without a failed request', async () => {
    const world = await createWorld({ broker });
    const ports = [await findFreePort(), await findFreePort()];
    const serve = (port: number | undefined): Promise<Program> =>
      world.serve('--port', String(port), '--set', 'server.drain_seconds=1');
    const balancer = await startLoadBalancer(ports);
    try {
      const instances = await Promise.all(ports.map(serve));
      await balancer.allReady();
      // Without --retry the player gives up at the first call that fails.
      const game = await world.play(
        ...['--url', balancer.url, '--rounds', '14', '--players', '16', '--betting-ms', '700'],
        ...['--step-ms', '50', '--drain-timeout', '60', '--json'],
      );
      for (const [index, instance] of instances.entries()) {
        expect(await instance.stop({ signal: 'SIGTERM' }), instance.output()).toEqual({
          code: 0,
          signal: null,
        });
        expect(game.running, game.output()).toBe(true);
        await serve(ports[index]);
        await balancer.allReady();
      }
      expect(await game.exited, game.output()).toEqual({ code: 0, signal: null });
      expect(JSON.parse(game.output().trim().split('\n').at(-1) ?? '')).toMatchObject({ good: true });
      expect(balancer.failed).toEqual([]);
      await everythingArrivedOnce(world);
    } finally {
      await balancer.close();
      await world.close();
    }
  });

  it('with one role each share the work, and a killed one is replaced within ten seconds', async () => {
    const world = await createWorld({ broker });
    try {
      await world.serve('--roles', 'http');
      const relays = [await start(world, 'relay'), await start(world, 'relay')];
      const consumers = [await start(world, 'consumer'), await start(world, 'consumer')];
      await sharedLanes(world, 2);
      for (const [killed] of [relays, consumers]) {
        await killed?.kill();
        const killedMs = performance.now();
        const game = await world.play('--rounds', '1', '--players', '20', '--betting-ms', '300', '--json');
        expect(await game.exited, game.output()).toEqual({ code: 0, signal: null });
        await everythingArrivedOnce(world);
        expect(performance.now() - killedMs).toBeLessThan(10_000);
      }
    } finally {
      await world.close();
    }
  });
});

function start(world: World, role: 'relay' | 'consumer'): Promise<Program> {
  const ready = role === 'relay' ? /rocketmq enabled/ : /rocketmq: consumer started/;
  return world.run(['serve', '--roles', role], ready);
}

async function sharedLanes({ database }: World, owners: number): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await database.query<{ lanes: number }>(
        'SELECT count(*)::int AS lanes FROM outbox_lanes WHERE owner IS NOT NULL GROUP BY owner',
      );
      return rows.length === owners && rows.every(({ lanes }) => lanes === 64 / owners);
    },
    { timeoutMs: 15_000, what: `${owners} relays with equal shares` },
  );
}

async function everythingArrivedOnce(world: World): Promise<void> {
  await delivered(world);
  expect(await reconcile(world.database, { projections: true })).toEqual([]);
  const { rows } = await world.database.query(
    `SELECT (SELECT count(*)::int FROM inbox WHERE consumer_group = $1 AND status = 1) -
            (SELECT count(*)::int FROM outbox WHERE status = 1) AS difference`,
    [world.consumerGroup],
  );
  expect(rows).toEqual([{ difference: 0 }]);
}
