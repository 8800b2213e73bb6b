import { setTimeout as pause } from 'node:timers/promises';
import { findFreePort, type Program, type RunningBroker } from '@dt/testkit';
import { expect } from 'vitest';
import { reconcile } from '../../src/operations/reconcile.ts';
import { createWorld, delivered, linesOf, type World } from './harness.ts';
import { type FailedRequest, startLoadBalancer } from './load-balancer.ts';

export interface LoadOptions {
  readonly broker: RunningBroker;
  /** How long games are played, one after the other. */
  readonly durationMs: number;
  /** Each of them bets once a round, a round takes bets for 2 s. */
  readonly players: number;
  /** How long two instances serve before the next one is taken away. */
  readonly calmMs: number;
}

export interface LoadFigures {
  readonly seconds: number;
  readonly requests: number;
  readonly orders: number;
  readonly messages: number;
  readonly killed: number;
  readonly drained: number;
  /** Requests that were under way in an instance when it was killed. */
  readonly lostAnswers: number;
  /** From the transaction that wrote a message to the commit of its effect. */
  readonly arrivalMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

const bettingMs = 2000;
/** A connection of a killed process is known to be dead by then. */
const resetWithinMs = 2000;

/**
 * Two instances behind a load balancer under a game without pause; one is killed and one drained in turn until the
 * game ends. Holds that no request fails but those on the connections of a killed one, that every message takes effect
 * once, and that the game's own closing check is clean.
 */
export async function twoInstancesUnderLoad(options: LoadOptions): Promise<LoadFigures> {
  const { broker, calmMs } = options;
  const world = await createWorld({ broker });
  const ports = [await findFreePort(), await findFreePort()];
  const balancer = await startLoadBalancer(ports);
  const all: Program[] = [];
  const serve = async (port: number): Promise<Program> => {
    const instance = await world.serve(
      ...['--port', String(port), '--set', 'server.drain_seconds=1', '--set', 'log.timestamps=true'],
    );
    all.push(instance);
    return instance;
  };
  try {
    const instances = await Promise.all(ports.map(serve));
    await balancer.allReady();
    const startedMs = performance.now();
    let over = false;
    const games = playFor(world, balancer.url, options).finally(() => (over = true));
    const kills: { port: number; atMs: number; connections: number }[] = [];
    let drained = 0;
    for (let turn = 0; ; turn += 1) {
      await Promise.race([pause(calmMs), games]);
      if (over) break;
      // Killed, drained, killed, drained; each instance is both in four turns.
      const at = turn % 4 === 0 || turn % 4 === 3 ? 0 : 1;
      const port = ports[at] as number;
      const instance = instances[at] as Program;
      if (turn % 2 === 0) {
        kills.push({ port, atMs: performance.now(), connections: balancer.connections(port) });
        await instance.kill();
      } else {
        expect(await instance.stop({ signal: 'SIGTERM' }), instance.output()).toEqual({
          code: 0,
          signal: null,
        });
        drained += 1;
      }
      instances[at] = await serve(port);
      await balancer.allReady();
    }
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    await everythingArrivedOnce(world);
    const lost = kills.map((kill) => balancer.failed.filter((request) => isLostTo(kill, request)));
    const others = balancer.failed.filter((request) => !lost.flat().includes(request));
    expect(others, all.map((instance) => faultsOf(instance)).join('\n')).toEqual([]);
    for (const [index, { connections }] of kills.entries())
      expect(lost[index]?.length).toBeLessThanOrEqual(connections);
    return {
      seconds,
      requests: balancer.requests(),
      killed: kills.length,
      drained,
      lostAnswers: lost.flat().length,
      ...(await arrivals(world)),
    };
  } finally {
    await balancer.close();
    await world.close();
  }
}

/** What an instance says of requests that failed: the newest lines, for the report of a failed test. */
function faultsOf(instance: Program): string {
  const lines = linesOf(instance).filter(
    (line) => line.includes('[ERROR]') || line.includes('http: too busy'),
  );
  return lines.slice(-20).join('\n');
}

/** One game after the other until the time is over; each ends with its own check of money and deliveries. */
async function playFor(world: World, url: string, { durationMs, players }: LoadOptions): Promise<void> {
  const untilMs = performance.now() + durationMs;
  const rounds = Math.min(10, Math.ceil(durationMs / bettingMs));
  do {
    // What the balancer answers 502 is asked again: the order must then be there once.
    const game = await world.play(
      ...['--url', url, '--rounds', String(rounds), '--players', String(players)],
      ...[
        '--betting-ms',
        String(bettingMs),
        '--step-ms',
        '20',
        '--retry',
        '--drain-timeout',
        '120',
        '--json',
      ],
    );
    expect(await game.exited, game.output()).toEqual({ code: 0, signal: null });
    const report: unknown = JSON.parse(game.output().trim().split('\n').at(-1) ?? '');
    expect(report).toMatchObject({ good: true });
  } while (performance.now() < untilMs);
}

function isLostTo(kill: { port: number; atMs: number }, { port, atMs }: FailedRequest): boolean {
  return port === kill.port && atMs >= kill.atMs && atMs < kill.atMs + resetWithinMs;
}

export async function everythingArrivedOnce(world: World): Promise<void> {
  await delivered(world);
  expect(await reconcile(world.database, { projections: true })).toEqual([]);
  const { rows } = await world.database.query(
    `SELECT (SELECT count(*)::int FROM inbox WHERE consumer_group = $1 AND status = 1) -
            (SELECT count(*)::int FROM outbox WHERE status = 1) AS difference`,
    [world.consumerGroup],
  );
  expect(rows).toEqual([{ difference: 0 }]);
}

export async function arrivals({
  database,
  consumerGroup,
}: World): Promise<Pick<LoadFigures, 'orders' | 'messages' | 'arrivalMs'>> {
  const { rows } = await database.query<{
    orders: number;
    messages: number;
    p50: number;
    p99: number;
    max: number;
  }>(
    `SELECT (SELECT count(*)::int FROM orders) AS orders, count(*)::int AS messages,
            round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms))::int AS p50,
            round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms))::int AS p99, round(max(ms))::int AS max
       FROM (SELECT extract(epoch FROM i.processed_at - o.created_at)::float8 * 1000 AS ms
               FROM outbox o JOIN inbox i ON i.message_key = o.message_key AND i.consumer_group = $1) arrived`,
    [consumerGroup],
  );
  const { orders = 0, messages = 0, p50 = 0, p99 = 0, max = 0 } = rows[0] ?? {};
  return { orders, messages, arrivalMs: { p50, p99, max } };
}
