import { eventually, type Program, type RunningBroker, startBroker } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld, outboxCounts, target, type World } from './harness.ts';
import { arrivals, everythingArrivedOnce, twoInstancesUnderLoad } from './under-load.ts';

let broker: RunningBroker;

beforeAll(async () => {
  broker = await startBroker(target);
});
afterAll(async () => {
  await broker.close();
});

describe(`several instances over ${target} RocketMQ`, () => {
  it('are killed and drained in turn under load: no request fails but on the connections of a killed one', async () => {
    const figures = await twoInstancesUnderLoad({ broker, durationMs: 16_000, players: 16, calmMs: 500 });
    expect(Math.min(figures.killed, figures.drained)).toBeGreaterThanOrEqual(1);
  });

  it('with one role each share the work, and a killed one is replaced within ten seconds', async () => {
    const world = await createWorld({ broker });
    try {
      await world.serve('--roles', 'http');
      const watched = ['--port', '0'];
      const relays = [await start(world, 'relay', ...watched), await start(world, 'relay', ...watched)];
      // The settings of all name the port that the first instance has.
      const consumers = [await start(world, 'consumer', ...watched), await start(world, 'consumer')];
      await sharedLanes(world, 2);
      for (const instance of [...relays, ...consumers.slice(0, 1)]) await answersThoseWhoWatch(instance);
      expect(consumers[1]?.output()).not.toContain('http: listening');
      for (const [killed] of [relays, consumers]) {
        const before = await outboxCounts(world.database);
        const game = await world.play('--rounds', '3', '--players', '20', '--betting-ms', '1000', '--json');
        await eventually(async () => (await outboxCounts(world.database)).sent > before.sent, {
          timeoutMs: 20_000,
          what: 'the first messages of the game',
        });
        await killed?.kill();
        expect(await game.exited, game.output()).toEqual({ code: 0, signal: null });
        await everythingArrivedOnce(world);
      }
      const { arrivalMs } = await arrivals(world);
      expect(arrivalMs.max).toBeLessThan(10_000);
    } finally {
      await world.close();
    }
  });
});

/** An instance without the role http tells how it is, and takes no calls of the game. */
async function answersThoseWhoWatch(instance: Program): Promise<void> {
  const { line } = await instance.waitForLine(/http: listening url=/);
  const ask = async (path: string): Promise<[number, string]> => {
    const answer = await fetch(`${/url=(\S+)/.exec(line)?.[1]}${path}`);
    return [answer.status, await answer.text()];
  };
  expect(await ask('/healthz')).toEqual([200, 'ok']);
  expect(await ask('/readyz')).toEqual([200, 'ready']);
  expect(await ask('/healthz/outbox')).toEqual([200, expect.stringMatching(/^ok: /) as unknown]);
  expect(await ask('/metrics')).toEqual([200, expect.stringContaining('outbox_lanes{') as unknown]);
  expect((await ask('/api/user/balance'))[0]).toBe(404);
}

function start(world: World, role: 'relay' | 'consumer', ...flags: string[]): Promise<Program> {
  const ready = role === 'relay' ? /rocketmq enabled/ : /rocketmq: consumer started/;
  return world.run(['serve', '--roles', role, ...flags], ready);
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
