import { findFreePort, type Program, spawnNode } from '@dt/testkit';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';

const kills = 8;
const dt = new URL('../../../bin/dt.js', import.meta.url);

let dataDir: string;
let settings: string[];
const programs: Program[] = [];

async function run(command: string, args: string[] = [], readyLine?: RegExp): Promise<Program> {
  const program = await spawnNode({
    script: dt,
    args: [command, '--data-dir', dataDir, ...settings, ...args],
    name: `dt ${command}`,
    ...(readyLine === undefined ? {} : { readyLine }),
  });
  programs.push(program);
  return program;
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dt-all-'));
  settings = [
    '--set',
    `server.port=${await findFreePort()}`,
    '--set',
    `rocketmq.name_server=127.0.0.1:${await findFreePort()}`,
  ];
});
afterAll(async () => {
  for (const program of programs) await program.kill();
  await rm(dataDir, { recursive: true, force: true });
});

// PostgreSQL and RocketMQ are the embedded ones here, and crash with the server.
it(`server, PostgreSQL and RocketMQ in one, killed ${kills} times in the middle of a game: nothing acknowledged is lost`, async () => {
  const serve = () => run('serve', ['--embedded'], /http: listening/);
  let server = await serve();
  const game = await run('play', [
    '--rounds',
    '15',
    '--players',
    '8',
    '--betting-ms',
    '600',
    '--retry',
    '--json',
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
  expect(JSON.parse(asked.output())).toEqual([{ settled: String(15 * 8), unsent: '0', not_applied: '0' }]);

  // A clean stop leaves no PostgreSQL behind.
  expect(await server.stop({ signal: 'SIGINT' })).toEqual({ code: 0, signal: null });
});
