import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startPostgres } from '../src/index.ts';
import { isGone, isRunning, postmastersIn, query, until } from './support/observe.ts';
import { buildProgram, temporaryFolder, UserProcess } from './support/user-process.ts';

// Real processes on a machine that may be busy: the tests wait for conditions, so a limit is for what hangs.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let program: string;
let dataDir: string;
let remove: () => Promise<void>;

beforeAll(async () => {
  ({ folder, remove } = await temporaryFolder());
  program = await buildProgram(folder);
  dataDir = path.join(folder, 'data');
});
afterAll(() => remove());

it('makes one cluster and one server when several processes begin at once', async () => {
  const users = Array.from({ length: 4 }, () => new UserProcess(program, 'hold', { dataDir }));
  const ready = await Promise.all(users.map((user) => user.ready()));
  expect(new Set(ready.map(({ pid }) => pid)).size).toBe(1);
  expect(ready.filter(({ attached }) => !attached)).toHaveLength(1);
  const pid = ready[0]?.pid as number;
  expect(await postmastersIn(dataDir)).toEqual([pid]);

  // They leave in the order of their starting; the last one stops it.
  const [last, ...others] = users.reverse();
  await Promise.all(others.map((user) => user.finish()));
  expect(await isRunning(pid)).toBe(true);
  await last?.finish();
  expect(await isGone(pid)).toBe(true);
});

it('goes on for the second user when the first one stops, and ends with the second', async () => {
  const first = new UserProcess(program, 'hold', { dataDir });
  const { pid } = await first.ready();
  const second = await startPostgres({ dataDir });
  expect(second).toMatchObject({ attached: true, pid });
  await first.finish();
  expect(await query(second.connectionString, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await second.stop();
  expect(await isGone(pid)).toBe(true);
});

it('goes on for the second user when the first one is killed, and ends when that is killed too', async () => {
  const first = new UserProcess(program, 'idle', { dataDir });
  const { pid } = await first.ready();
  const second = new UserProcess(program, 'idle', { dataDir });
  expect(await second.ready()).toMatchObject({ attached: true, pid });
  await first.kill();
  const third = await startPostgres({ dataDir });
  expect(third).toMatchObject({ attached: true, pid });
  await third.stop();
  expect(await isRunning(pid)).toBe(true);
  await second.kill();
  await until('the server stops by itself', () => isGone(pid));
});

it('makes a database that only the second user asks for', async () => {
  const first = await startPostgres({ dataDir });
  const second = await startPostgres({ dataDir, database: 'other' });
  expect(second.attached).toBe(true);
  expect(await query(second.connectionString, 'SELECT current_database() AS name')).toEqual([
    { name: 'other' },
  ]);
  await first.stop();
  await second.stop();
});

it('serves both when the second one starts it again after a crash', async () => {
  const first = await startPostgres({ dataDir });
  process.kill(first.pid, 'SIGKILL');
  await first.exited;
  const second = await startPostgres({ dataDir });
  expect(second.attached).toBe(false);
  expect(await query(first.connectionString, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await second.stop();
  expect(await isRunning(second.pid)).toBe(true);
  await first.stop();
  expect(await isGone(second.pid)).toBe(true);
});

it('never hands out a server that is about to stop', async () => {
  for (let round = 0; round < 8; round += 1) {
    const first = new UserProcess(program, round % 2 === 0 ? 'idle' : 'leave', { dataDir });
    await first.ready();
    first.child.kill('SIGKILL');
    const second = await startPostgres({ dataDir });
    for (let look = 0; look < 5; look += 1) {
      expect(await query(second.connectionString, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    }
    await first.ended;
    await second.stop();
  }
});
