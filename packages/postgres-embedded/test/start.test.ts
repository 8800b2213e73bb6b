import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startPostgres, type PostgresOptions, type PostgresServer } from '../src/index.ts';
import { isGone, query } from './support/observe.ts';
import { temporaryFolder } from './support/user-process.ts';

// Real processes on a machine that may be busy: the tests wait for conditions, so a limit is for what hangs.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ folder, remove } = await temporaryFolder());
});
afterAll(() => remove());

/** For tests that only look at whether it starts. */
const quick = { parameters: { fsync: 'off' } };

async function withServer<T>(
  options: PostgresOptions,
  work: (server: PostgresServer) => Promise<T>,
): Promise<T> {
  const server = await startPostgres(options);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

describe('a data folder', () => {
  // Blanks, quotes and letters of other scripts, as homes have them.
  const dataDir = (): string => path.join(folder, `Zoë's 数据 %20 & co`);

  it('is made, and keeps its rows from one start to the next', async () => {
    await withServer({ dataDir: dataDir() }, async ({ connectionString, attached, pid }) => {
      expect(attached).toBe(false);
      expect(await isGone(pid)).toBe(false);
      await query(connectionString, `CREATE TABLE kept AS SELECT 'ä龍' AS word`);
    });
    await withServer({ dataDir: dataDir() }, async ({ connectionString, connection }) => {
      expect(await query(connectionString, 'SELECT word FROM kept')).toEqual([{ word: 'ä龍' }]);
      expect(connection).toMatchObject({ user: 'postgres', database: 'dt' });
    });
  });

  it('gets the databases that are asked for later', async () => {
    await withServer({ dataDir: dataDir(), database: 'Another "one"' }, async ({ connectionString }) => {
      const rows = await query(connectionString, 'SELECT current_database() AS name');
      expect(rows).toEqual([{ name: 'Another "one"' }]);
    });
  });

  it('is durable, checked and independent of the locale by default, with settings for a small machine', async () => {
    await withServer({ dataDir: dataDir() }, async ({ connectionString }) => {
      const names = [
        'fsync',
        'synchronous_commit',
        'full_page_writes',
        'data_checksums',
        'jit',
        'max_connections',
      ];
      const rows = await query<{ name: string; setting: string }>(
        connectionString,
        `SELECT name, setting FROM pg_settings WHERE name IN ('${names.join("','")}')`,
      );
      expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
        fsync: 'on',
        synchronous_commit: 'on',
        full_page_writes: 'on',
        data_checksums: 'on',
        jit: 'off',
        max_connections: '100',
      });
      const [database] = await query(
        connectionString,
        `SELECT pg_encoding_to_char(encoding) AS encoding, datlocprovider AS provider, datlocale AS locale
         FROM pg_database WHERE datname = 'dt'`,
      );
      expect(database).toEqual({ encoding: 'UTF8', provider: 'b', locale: 'C.UTF-8' });
    });
  });

  it('takes the parameters of the call at every start, quotes and all', async () => {
    const parameters = { max_connections: '17', search_path: `"it's", public` };
    await withServer({ dataDir: dataDir(), parameters }, async ({ connectionString }) => {
      const [row] = await query(
        connectionString,
        `SELECT current_setting('max_connections') AS connections, current_setting('search_path') AS path`,
      );
      expect(row).toEqual({ connections: '17', path: `"it's", public` });
    });
    await withServer({ dataDir: dataDir() }, async ({ connectionString }) => {
      expect(await query(connectionString, 'SHOW max_connections')).toEqual([{ max_connections: '100' }]);
    });
  });

  it('has no port open and lets nobody else in', async () => {
    await withServer({ dataDir: dataDir() }, async ({ connectionString, connection }) => {
      expect(await query(connectionString, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '' }]);
      expect((await fs.stat(connection.host)).mode & 0o777).toBe(0o700);
    });
  });

  it('may lie deeper than the path of a socket may be long', async () => {
    const deep = path.join(folder, 'd'.repeat(120));
    const socketDir = await withServer(
      { dataDir: deep, ...quick },
      async ({ connectionString, connection }) => {
        expect(await query(connectionString, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
        expect((await fs.stat(connection.host)).mode & 0o777).toBe(0o700);
        return connection.host;
      },
    );
    await expect(fs.stat(socketDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('keeps what was half made out of sight: an unfinished initdb is removed', async () => {
    const unfinished = path.join(dataDir(), 'initdb-1-half');
    await fs.mkdir(path.join(unfinished, 'base'), { recursive: true });
    await withServer({ dataDir: dataDir() }, async () => {});
    await expect(fs.stat(unfinished)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('says when the server ends by itself', async () => {
    await withServer({ dataDir: dataDir() }, async (server) => {
      process.kill(server.pid, 'SIGQUIT');
      await server.exited;
      expect(await isGone(server.pid)).toBe(true);
    });
  });

  it('can be stopped more than once', async () => {
    const server = await startPostgres({ dataDir: dataDir() });
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    expect(await isGone(server.pid)).toBe(true);
  });
});

describe('over TCP', () => {
  it('serves the loopback only, to those who know the password', async () => {
    const dataDir = path.join(folder, 'tcp');
    await withServer({ dataDir, transport: 'tcp', ...quick }, async ({ connectionString, connection }) => {
      expect(connection.host).toBe('127.0.0.1');
      expect(await query(connectionString, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await expect(query(connectionString.replace(/:[^:@]+@/, ':guess@'), 'SELECT 1')).rejects.toMatchObject({
        code: '28P01',
      });
      expect((await fs.stat(path.join(dataDir, 'password'))).mode & 0o777).toBe(0o600);
      const [stored] = await query<{ rolpassword: string }>(
        connectionString,
        `SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'`,
      );
      expect(stored?.rolpassword).toMatch(/^SCRAM-SHA-256\$/);
    });
  });

  it('is the choice of each start: the same folder serves by socket next time', async () => {
    const dataDir = path.join(folder, 'tcp');
    await withServer({ dataDir }, async ({ connection }) => {
      expect(connection.host).toBe(path.join(dataDir, 'cluster'));
      expect(connection.password).toBeUndefined();
    });
  });

  it('names a port that is in use', async () => {
    const blocker = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    try {
      const { port } = blocker.address() as net.AddressInfo;
      await expect(
        startPostgres({ dataDir: path.join(folder, 'tcp'), transport: 'tcp', port }),
      ).rejects.toMatchObject({
        code: 'port-in-use',
        retryable: true,
        message: expect.stringContaining(`port ${port} is in use`) as string,
      });
    } finally {
      blocker.close();
    }
  });
});

describe('a start that cannot be', () => {
  it('quotes the log when a parameter is wrong, and leaves nothing running', async () => {
    const dataDir = path.join(folder, 'wrong');
    await expect(
      startPostgres({ dataDir, parameters: { fsync: 'off', shared_buffers: 'much' } }),
    ).rejects.toMatchObject({
      code: 'start-failed',
      message: expect.stringMatching(/invalid value for parameter "shared_buffers": "much"/) as string,
    });
    expect(await fs.readdir(path.join(dataDir, 'users'))).toEqual([]);
    await withServer({ dataDir, ...quick }, async () => {});
  });

  it('names a role that cannot log in', async () => {
    await expect(
      startPostgres({ dataDir: path.join(folder, 'wrong'), user: 'stranger' }),
    ).rejects.toMatchObject({
      code: 'start-failed',
      message: expect.stringContaining('role "stranger" does not exist') as string,
    });
  });

  it('refuses a file in the place of the folder', async () => {
    const dataDir = path.join(folder, 'file');
    await fs.writeFile(dataDir, '');
    await expect(startPostgres({ dataDir })).rejects.toMatchObject({ code: 'data-dir-not-writable' });
  });

  it('refuses a folder with other things in it, and touches none of them', async () => {
    const dataDir = path.join(folder, 'photos');
    await fs.mkdir(dataDir);
    await fs.writeFile(path.join(dataDir, 'holiday.jpg'), '');
    await expect(startPostgres({ dataDir })).rejects.toMatchObject({
      code: 'data-dir-not-empty',
      message: expect.stringContaining('holiday.jpg') as string,
    });
    expect(await fs.readdir(dataDir)).toEqual(['holiday.jpg']);
  });

  it('takes a folder that only looks empty', async () => {
    const dataDir = path.join(folder, 'mounted');
    await fs.mkdir(path.join(dataDir, 'lost+found'), { recursive: true });
    await fs.writeFile(path.join(dataDir, '.gitignore'), '*');
    await withServer({ dataDir, ...quick }, async () => {});
  });

  it("tells a bare PostgreSQL data directory from one of this package's", async () => {
    const dataDir = path.join(folder, 'bare');
    await fs.mkdir(dataDir);
    await fs.writeFile(path.join(dataDir, 'PG_VERSION'), '18\n');
    await expect(startPostgres({ dataDir })).rejects.toMatchObject({
      code: 'data-dir-not-empty',
      message: expect.stringContaining('"cluster"') as string,
    });
  });

  it('refuses the data of another major version', async () => {
    const dataDir = path.join(folder, 'old');
    await withServer({ dataDir, ...quick }, async () => {});
    await fs.writeFile(path.join(dataDir, 'cluster', 'PG_VERSION'), '15\n');
    await expect(startPostgres({ dataDir })).rejects.toMatchObject({
      code: 'data-dir-version',
      message: expect.stringMatching(/made by PostgreSQL 15, and this is PostgreSQL 18/) as string,
    });
  });

  it('ends when it is aborted, and leaves nothing half made', async () => {
    const dataDir = path.join(folder, 'aborted');
    await expect(startPostgres({ dataDir, signal: AbortSignal.timeout(150) })).rejects.toMatchObject({
      code: 'aborted',
    });
    const names = await fs.readdir(dataDir);
    expect(names.filter((name) => name.startsWith('initdb-') || name.startsWith('start.lock'))).toEqual([]);
    await withServer({ dataDir, ...quick }, async () => {});
  });

  it('is not waited for longer than asked', async () => {
    const dataDir = path.join(folder, 'locked');
    await withServer({ dataDir, ...quick }, async () => {});
    const { identify } = await import('../src/process-identity.ts');
    await fs.writeFile(path.join(dataDir, 'start.lock'), JSON.stringify(await identify(process.pid)));
    await expect(startPostgres({ dataDir, startTimeoutMs: 200 })).rejects.toMatchObject({
      code: 'data-dir-locked',
    });
  });
});
