import { type RunningBroker, startBroker } from '@dt/testkit';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { reconcile } from '../../src/operations/reconcile.ts';
import { createWorld, delivered, outboxCounts, target, type World } from './harness.ts';

const kills = 20;

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

it(`the server killed ${kills} times in the middle of a game over ${target} RocketMQ: every order is settled once and arrives once`, async () => {
  const { database, consumerGroup } = world;
  let server = await world.serve();
  const game = await world.play(
    ...['--rounds', '40', '--players', '12', '--bets', '2', '--betting-ms', '600', '--step-ms', '60'],
    ...['--retry', '--drain-timeout', '120', '--json'],
  );
  for (let kill = 0; kill < kills; kill += 1) {
    // At a random moment of a round's life; a round takes about a second.
    await pause(100 + Math.random() * 1200);
    await server.kill();
    expect(game.running, game.output()).toBe(true);
    server = await world.serve();
  }
  expect(await game.exited, game.output()).toEqual({ code: 0, signal: null });
  await delivered(world);

  const report = JSON.parse(game.output().trim().split('\n').at(-1) ?? '') as {
    good: boolean;
    orders: number;
  };
  expect(report).toMatchObject({ good: true, orders: 40 * 12 * 2 });
  expect(await reconcile(database, { projections: true })).toEqual([]);
  const { rows } = await database.query(
    `SELECT count(*)::int AS orders, (count(*) FILTER (WHERE bill_status = 2))::int AS settled FROM orders`,
  );
  expect(rows).toEqual([{ orders: report.orders, settled: report.orders }]);
  const counts = await outboxCounts(database);
  expect(counts).toMatchObject({ pending: 0, dead: 0 });
  const inbox = await database.query(
    `SELECT count(*)::int AS rows, count(DISTINCT message_key)::int AS keys, (count(*) FILTER (WHERE status = 1))::int AS applied
       FROM inbox WHERE consumer_group = $1`,
    [consumerGroup],
  );
  expect(inbox.rows).toEqual([{ rows: counts.sent, keys: counts.sent, applied: counts.sent }]);
});
