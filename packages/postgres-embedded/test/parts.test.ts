import { spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionStringOf } from '../src/connection.ts';
import { canTraverse, writeWhole } from '../src/files.ts';
import { layoutOf } from '../src/layout.ts';
import { boundLog, tailLog } from '../src/log-file.ts';
import { parsePostmasterPid } from '../src/postmaster-pid.ts';
import { existsProcess, identify, livenessOf, startInProcStat } from '../src/process-identity.ts';
import { startFailure } from '../src/start-failure.ts';
import { until } from './support/observe.ts';
import { temporaryFolder } from './support/user-process.ts';

let folder: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ folder, remove } = await temporaryFolder());
});
afterAll(() => remove());

describe('the identity of a process', () => {
  it('tells a process from a later one with its number', async () => {
    const self = await identify(process.pid);
    expect(self).toBeDefined();
    if (!self) return;
    expect(await livenessOf(self)).toBe('running');
    expect(await livenessOf({ ...self, startedAt: '1' })).toBe('gone');
    expect(await livenessOf({ ...self, bootId: 'another' })).toBe('gone');
    expect(await livenessOf({ ...self, namespace: 'pid:[1]' })).toBe('elsewhere');
  });

  it('takes a dead process that nobody has reaped for gone', async () => {
    // The shell becomes a sleep that never asks for its child's end.
    const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const pid = await new Promise<number>((resolve) =>
        parent.stdout.once('data', (data) => resolve(Number(data))),
      );
      await until('it is dead', async () => (await identify(pid)) === undefined);
      expect(existsProcess(pid)).toBe(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('is read past a name with brackets and blanks', () => {
    const fields = Array.from({ length: 40 }, (_, index) => String(index + 3));
    fields[0] = 'S';
    expect(startInProcStat(`7 (a) b (c)) ${fields.join(' ')}`)).toBe('22');
    fields[0] = 'Z';
    expect(startInProcStat(`7 (a) ${fields.join(' ')}`)).toBeUndefined();
  });
});

describe("the server's lock file", () => {
  it('is read in all stages of its life', () => {
    expect(parsePostmasterPid('')).toBeUndefined();
    expect(parsePostmasterPid('123\n/data\n')).toMatchObject({ pid: 123, port: 0, ready: false });
    expect(parsePostmasterPid('123\n/data\n1700000000\n5432\n.\n\n  1 2\nready   \n')).toEqual({
      pid: 123,
      startedAt: 1_700_000_000,
      port: 5432,
      socketDir: '.',
      ready: true,
    });
    expect(parsePostmasterPid('-9\n')).toMatchObject({ pid: 9 });
  });
});

describe('a failed start', () => {
  const said: [string, string][] = [
    ['FATAL:  could not write lock file "postmaster.pid": No space left on device', 'disk-full'],
    ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', 'port-in-use'],
    ['FATAL:  lock file "postmaster.pid" already exists', 'data-dir-locked'],
    ['FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use', 'data-dir-locked'],
    ['FATAL:  database files are incompatible with server', 'data-dir-version'],
    ['FATAL:  could not open file "global/pg_control": Permission denied', 'data-dir-not-writable'],
    ['postgres: error while loading shared libraries: libicuuc.so.60: cannot open', 'platform-unsupported'],
    ['FATAL:  something new', 'start-failed'],
  ];
  it.each(said)('%s', (line, code) => {
    const error = startFailure(line, layoutOf('/data'), { transport: 'tcp', socketDir: '', port: 4321 });
    expect(error).toMatchObject({ code, message: expect.stringContaining(line) as string });
  });
});

describe('a connection string', () => {
  it('is understood by the driver, whatever is in it', () => {
    const connections = [
      { host: '/a b/%41/数据?', port: 5433, user: 'me@here', database: 'x % "y"' },
      { host: '127.0.0.1', port: 5433, user: 'me', password: 'p@:/%', database: 'dt' },
    ];
    for (const connection of connections) {
      const client = new pg.Client({ connectionString: connectionStringOf(connection) });
      const { host, port, user, database } = client;
      expect({ host, port, user, database }).toMatchObject({
        host: connection.host,
        port: connection.port,
        user: connection.user,
        database: connection.database,
      });
      if (connection.password) expect(client.password).toBe(connection.password);
    }
  });
});

describe('files', () => {
  it('replace a link, and do not write through it', async () => {
    const victim = path.join(folder, 'victim');
    const file = path.join(folder, 'planted');
    await fs.writeFile(victim, 'untouched');
    await fs.symlink(victim, file);
    await writeWhole(file, 'new');
    expect(await fs.readFile(victim, 'utf8')).toBe('untouched');
    expect(await fs.readFile(file, 'utf8')).toBe('new');
  });

  it('are reachable for an account only through open folders', async () => {
    const closed = path.join(folder, 'closed');
    const inner = path.join(closed, 'inner');
    await fs.mkdir(inner, { recursive: true });
    await fs.chmod(closed, 0o700);
    const stranger = { uid: 54_321, gid: 54_321 };
    expect(await canTraverse(folder, stranger)).toBe(true);
    expect(await canTraverse(inner, stranger)).toBe(false);
    expect(await canTraverse(inner, undefined)).toBe(true);
  });
});

describe('the log', () => {
  it('is cut when it is too long, and its predecessor is kept', async () => {
    const file = path.join(folder, 'server.log');
    const handle = await fs.open(file, 'a');
    await handle.write('x'.repeat(100));
    await boundLog(file, 100);
    expect((await handle.stat()).size).toBe(100);
    await handle.write('y');
    await boundLog(file, 100);
    // The server goes on to write where the file begins now.
    await handle.write('after');
    await handle.close();
    expect(await fs.readFile(file, 'utf8')).toBe('after');
    expect(await fs.readFile(`${file}.1`, 'utf8')).toBe(`${'x'.repeat(100)}y`);
  });

  it('is quoted from a position on, at most its end', async () => {
    const file = path.join(folder, 'quoted.log');
    await fs.writeFile(file, `old\nnew ${'z'.repeat(3000)} last`);
    expect(await tailLog(file, 3009)).toBe('last');
    const tail = await tailLog(file, 4);
    expect(tail).toHaveLength(2000);
    expect(await tailLog(file, 1e9)).toBe('');
    expect(await tailLog(path.join(folder, 'none'), 0)).toBe('');
  });
});
