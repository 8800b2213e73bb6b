import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { findFreePort, type Program, type RunningBroker, spawnNode } from '@dt/testkit';
import { expect } from 'vitest';
import { reconcile } from '../../src/operations/reconcile.ts';
import { createWorld, delivered, outboxCounts } from './harness.ts';

const dt = new URL('../../bin/dt.js', import.meta.url);

/**
 * Kills a server at random moments in the middle of a game, `kills` times, over a world of its own: every order is settled
 * once and arrives once.
 */
export async function killServerDuringGame(broker: RunningBroker, kills: number): Promise<void> {
  const world = await createWorld({ broker });
  try {
    const { database, consumerGroup } = world;
    let server = await world.serve();
    const rounds = 2 * kills;
    const game = await world.play(
      ...['--rounds', String(rounds), '--players', '12', '--bets', '2', '--betting-ms', '600'],
      ...['--step-ms', '60', '--retry', '--drain-timeout', '120', '--json'],
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
    expect(report).toMatchObject({ good: true, orders: rounds * 12 * 2 });
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
  } finally {
    await world.close();
  }
}

/**
 * Kills server, PostgreSQL and RocketMQ in one, `kills` times in the middle of a game: nothing acknowledged is lost. Both
 * are the embedded ones, and crash with the server.
 */
export async function killAllDuringGame(kills: number): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'dt-all-'));
  const settings = [
    ...['--set', `server.port=${await findFreePort()}`],
    ...['--set', `rocketmq.name_server=127.0.0.1:${await findFreePort()}`],
  ];
  const programs: Program[] = [];
  const run = async (command: string, args: string[] = [], readyLine?: RegExp): Promise<Program> => {
    const program = await spawnNode({
      script: dt,
      args: [command, '--data-dir', dataDir, ...settings, ...args],
      name: `dt ${command}`,
      ...(readyLine === undefined ? {} : { readyLine }),
    });
    programs.push(program);
    return program;
  };
  try {
    const serve = () => run('serve', ['--embedded'], /http: listening/);
    let server = await serve();
    const [rounds, players] = [2 * kills - 1, 8];
    const game = await run('play', [
      ...['--rounds', String(rounds), '--players', String(players)],
      ...['--betting-ms', '600', '--retry', '--json'],
    ]);
    for (let kill = 0; kill < kills; kill += 1) {
      await pause(200 + Math.random() * 1500);
      await server.kill();
      expect(game.running, game.output()).toBe(true);
      server = await serve();
    }
    expect(await game.exited, game.output()).toEqual({ code: 0, signal: null });

    const asked = await run('sql', [
      '--json',
      `SELECT (SELECT count(*) FROM orders WHERE bill_status = 2) AS settled,
              (SELECT count(*) FROM outbox WHERE status <> 1) AS unsent,
              (SELECT count(*) FROM outbox o WHERE NOT EXISTS (
                 SELECT FROM inbox i WHERE i.message_key = o.message_key AND i.status = 1)) AS not_applied`,
    ]);
    expect(await asked.exited, asked.output()).toEqual({ code: 0, signal: null });
    expect(JSON.parse(asked.output())).toEqual([
      { settled: String(rounds * players), unsent: '0', not_applied: '0' },
    ]);

    // A clean stop leaves no PostgreSQL behind.
    expect(await server.stop({ signal: 'SIGINT' })).toEqual({ code: 0, signal: null });
  } finally {
    for (const program of programs) await program.kill();
    await rm(dataDir, { recursive: true, force: true });
  }
}
