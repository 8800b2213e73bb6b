import { type RunningBroker, startBroker } from '@dt/testkit';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { reconcile } from '../../src/operations/reconcile.ts';
import { createWorld, delivered, linesOf, outboxCounts, target, type World } from './harness.ts';

/** The JVM gets the outage that operators fear; the embedded broker is the same code path, in less of a test's time. */
const outageMs = target === 'real' ? 30_000 : 8_000;

let broker: RunningBroker;
let world: World;

beforeAll(async () => {
  broker = await startBroker(target);
  world = await createWorld({ broker });
});
afterAll(async () => {
  await world.close();
  await broker.close();
});

it(`the ${target} broker away for ${outageMs / 1000} s in the middle of a game: the game goes on, rows wait, all arrive after it is back`, async () => {
  const { database } = world;
  const server = await world.serve();
  const rounds = Math.ceil(outageMs / 1000) + 15;
  const game = await world.play(
    ...['--rounds', String(rounds), '--players', '10', '--betting-ms', '800', '--step-ms', '50'],
    ...['--drain-timeout', '120', '--json'],
  );
  await pause(4_000);
  await broker.killBroker();
  // What had been acknowledged just before may still be marked now.
  await pause(1_500);
  const atStart = await progress();
  await pause(outageMs - 1_500);
  const atEnd = await progress();
  // Without --retry the player gives up at the first failed call: it is still running, so none failed.
  expect(game.running, game.output()).toBe(true);
  expect(atEnd.settled).toBeGreaterThan(atStart.settled);
  expect(atEnd.sent).toBe(atStart.sent);
  expect(atEnd.pending).toBeGreaterThan(atStart.pending);
  expect(atEnd.dead).toBe(0);

  await broker.startBroker();
  expect(await game.exited, game.output()).toEqual({ code: 0, signal: null });
  await delivered(world);
  expect(await outboxCounts(database)).toMatchObject({ pending: 0, dead: 0 });
  expect(await reconcile(database, { projections: true })).toEqual([]);

  // The log is not drowned: each cause is said at once and then seldom, and that it is over.
  await server.waitForLine(/^\[INFO\] over: outbox: relay failed, trying again times=\d+ seconds=\d+$/);
  const said = new Map<string, number>();
  for (const line of linesOf(server).filter((each) => /^\[(WARN|ERROR)\] /.test(each))) {
    const cause = line.replace(/ (times|seconds)=.*/, '').replaceAll(/\d+/g, '#');
    said.set(cause, (said.get(cause) ?? 0) + 1);
  }
  expect([...said].filter(([, times]) => times > 4)).toEqual([]);

  async function progress() {
    const { rows } = await database.query<{ settled: number }>(
      'SELECT count(*)::int AS settled FROM orders WHERE bill_status = 2',
    );
    return { ...(await outboxCounts(database)), settled: rows[0]?.settled ?? 0 };
  }
});
