import { spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { startPostgres } from '../src/index.ts';
import { killLoop } from './support/kill-loop.ts';
import { isGone, isRunning, postmasterOf, postmastersIn, query, until } from './support/observe.ts';
import { buildProgram, temporaryFolder, UserProcess } from './support/user-process.ts';

// Real processes on a machine that may be busy: the tests wait for conditions, so a limit is for what hangs.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let program: string;
let dataDir: string;
let remove: () => Promise<void>;
const begun: UserProcess[] = [];

function begin(
  ...args: ConstructorParameters<typeof UserProcess> extends [string, ...infer Rest] ? Rest : never
): UserProcess {
  const user = new UserProcess(program, ...args);
  begun.push(user);
  return user;
}

beforeAll(async () => {
  ({ folder, remove } = await temporaryFolder());
  program = await buildProgram(folder);
  dataDir = path.join(folder, 'data');
});
beforeEach(() => {
  begun.length = 0;
});
afterAll(async () => {
  for (const { child } of begun) child.kill('SIGKILL');
  const left = await postmasterOf(dataDir);
  if (left !== undefined) await until('the server is gone', () => isGone(left));
  await remove();
});

it('stops with its parent when that is killed', async () => {
  const parent = begin('idle', { dataDir });
  const { pid } = await parent.ready();
  await parent.kill();
  await until('the server stops by itself', () => isGone(pid));
});

it('stops with a parent that leaves without a word, and keeps the exit code', async () => {
  const parent = begin('leave', { dataDir });
  const { pid } = await parent.ready();
  expect(await parent.ended).toEqual({ code: 7, signal: null });
  await until('the server stops by itself', () => isGone(pid));
});

it('lets a Ctrl-C end a parent that does not handle it, and stops', async () => {
  const parent = begin('idle', { dataDir }, { detached: true });
  const { pid } = await parent.ready();
  process.kill(-(parent.child.pid as number), 'SIGINT');
  expect(await parent.ended).toEqual({ code: null, signal: 'SIGINT' });
  await until('the server stops by itself', () => isGone(pid));
});

it('is still there after a Ctrl-C for a parent that has connections to close', async () => {
  const parent = begin('interrupt', { dataDir }, { detached: true });
  const { pid } = await parent.ready();
  await parent.line('handles');
  // What a terminal does: the signal goes to the whole foreground group.
  process.kill(-(parent.child.pid as number), 'SIGINT');
  expect(await parent.line('still answers')).toBe('42');
  await parent.line('stopped');
  expect(await isGone(pid)).toBe(true);
  expect((await parent.ended).code).toBe(0);
});

it('replaces a server that a killed parent has left behind, never doubles it', async () => {
  const parent = begin('idle', { dataDir, stopWhenOrphaned: false });
  const { pid: first } = await parent.ready();
  await parent.kill();
  expect(await isRunning(first)).toBe(true);
  const server = await startPostgres({ dataDir });
  try {
    expect(server.attached).toBe(false);
    expect(await isGone(first)).toBe(true);
    expect(await postmastersIn(dataDir)).toEqual([server.pid]);
  } finally {
    await server.stop();
  }
});

it('starts after a kill -9 of the server, although a busy backend has outlived it', async () => {
  const crashed = await startPostgres({ dataDir });
  const client = new pg.Client(crashed.connection);
  const lost = new Promise((resolve) => client.once('error', resolve));
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const backend = rows[0]?.pid as number;
  await client.query('CREATE TABLE survived AS SELECT 1 AS one');
  // No point in this loop looks whether the postmaster lives.
  const busy = client.query(`SELECT count(*) FROM generate_series(1, 1e10::bigint)`).catch(() => {});
  const watcher = await query<{ state: string }>(crashed.connectionString, `SELECT 1 AS state`);
  expect(watcher).toHaveLength(1);
  process.kill(crashed.pid, 'SIGKILL');
  await until('the postmaster is gone', () => isGone(crashed.pid));

  const server = await startPostgres({ dataDir });
  try {
    expect(await isGone(backend)).toBe(true);
    expect(await query(server.connectionString, 'SELECT * FROM survived')).toEqual([{ one: 1 }]);
    await Promise.all([lost, busy]);
  } finally {
    await crashed.stop();
    await server.stop();
  }
  expect(await isGone(server.pid)).toBe(true);
});

it('is not fooled by another process that has got the number of a dead server', async () => {
  const crashed = await startPostgres({ dataDir });
  process.kill(crashed.pid, 'SIGKILL');
  await until('the postmaster is gone', () => isGone(crashed.pid));
  await crashed.stop();
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    for (const file of ['postmaster.pid', '.s.PGSQL.5432.lock']) {
      const lockFile = path.join(dataDir, 'cluster', file);
      const text = await fs.readFile(lockFile, 'utf8');
      await fs.writeFile(lockFile, text.replace(/^\d+/, String(stranger.pid)));
    }
    const server = await startPostgres({ dataDir });
    await server.stop();
    expect(await isRunning(stranger.pid as number)).toBe(true);
  } finally {
    stranger.kill('SIGKILL');
  }
});

it('leaves nothing half made when the first start is killed at any time', async () => {
  for (const afterMs of [60, 150, 250, 400, 600]) {
    const fresh = path.join(folder, `killed-${afterMs}`);
    const victim = begin('idle', { dataDir: fresh, parameters: { fsync: 'off' } });
    await until('it has begun', () =>
      fs.stat(fresh).then(
        () => true,
        () => false,
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await victim.kill();
    const server = await startPostgres({ dataDir: fresh, parameters: { fsync: 'off' } });
    try {
      expect(await query(server.connectionString, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      const names = await fs.readdir(fresh);
      expect(names.sort()).toEqual(['cluster', 'password', 'postgres.log', 'server.json', 'users']);
    } finally {
      await server.stop();
    }
  }
});

it('loses no acknowledged row when parent or server is killed, again and again', async () => {
  const { rounds, acknowledged } = await killLoop({
    program,
    dataDir: path.join(folder, 'loop'),
    rounds: 10,
  });
  expect(rounds).toBe(10);
  expect(acknowledged).toBeGreaterThan(0);
});
