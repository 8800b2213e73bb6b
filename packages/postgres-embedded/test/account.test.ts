import fs from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startPostgres } from '../src/index.ts';
import { accountOf } from '../src/account.ts';
import { chownAll, installInto, type Installation } from './support/installation.ts';
import { query } from './support/observe.ts';
import { isRoot, ordinaryUser, temporaryFolder, UserProcess } from './support/user-process.ts';

// Real processes on a machine that may be busy: the tests wait for conditions, so a limit is for what hangs.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let remove: () => Promise<void>;
/** Below a folder that only its owner may enter, as a home is. */
let home: string;
let installed: Installation;

beforeAll(async () => {
  ({ folder, remove } = await temporaryFolder());
  home = path.join(folder, 'home');
  await fs.mkdir(home, { mode: 0o700 });
  installed = await installInto(home);
});
afterAll(() => remove());

async function uidOf(pid: number): Promise<number> {
  const status = await fs.readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
}

const link = (native: string): string => path.join(native, 'lib', 'libicuuc.so.60');
const quick = { parameters: { fsync: 'off' } };

describe.runIf(isRoot)('as root', () => {
  it('runs the server as another user, in a home that this user cannot enter, from libraries without links', async () => {
    const dataDir = path.join(home, 'data');
    const cacheDir = path.join(folder, 'root cache');
    // As careful administrators set it; the copy of the binaries must be open all the same.
    const umask = process.umask(0o077);
    const user = new UserProcess(installed.program, 'hold', { dataDir, cacheDir, ...quick });
    process.umask(umask);
    const { pid, connectionString } = await user.ready();
    expect(await uidOf(pid)).toBeGreaterThan(0);
    expect(await fs.readlink(`/proc/${pid}/exe`)).toMatch(new RegExp(`^${cacheDir}/`));
    expect((await fs.lstat(link(installed.native))).isSymbolicLink()).toBe(true);
    await query(connectionString, 'CREATE TABLE kept AS SELECT 1 AS one');
    await user.finish();

    const again = new UserProcess(installed.program, 'hold', { dataDir, cacheDir, ...quick });
    const second = await again.ready();
    expect(await query(second.connectionString, 'SELECT * FROM kept')).toEqual([{ one: 1 }]);
    await again.finish();
    expect(await fs.readdir(cacheDir)).toHaveLength(1);
  });

  it('does not give its environment away', async () => {
    const server = await startPostgres({ dataDir: path.join(home, 'data') });
    try {
      const names = (await fs.readFile(`/proc/${server.pid}/environ`, 'utf8'))
        .split('\0')
        .map((pair) => pair.split('=')[0]);
      expect(
        names.filter((name) => name !== '' && !['PATH', 'LC_ALL', 'LANG', 'TZ'].includes(name ?? '')),
      ).toEqual(
        // The server's own, for its children.
        names.filter((name) => name?.startsWith('PG')),
      );
    } finally {
      await server.stop();
    }
  });

  it('runs it as the account that it is told', async () => {
    const dataDir = path.join(folder, 'told');
    const server = await startPostgres({ dataDir, runAs: { uid: 65_534, gid: 65_534 }, ...quick });
    try {
      expect(await uidOf(server.pid)).toBe(65_534);
    } finally {
      await server.stop();
    }
  });

  it("makes the cluster for the owner of the folder, as of a user's checkout in a container", async () => {
    const dataDir = path.join(folder, 'mounted');
    await fs.mkdir(dataDir);
    await fs.chown(dataDir, 65_534, 65_534);
    const server = await startPostgres({ dataDir, ...quick });
    expect(await uidOf(server.pid)).toBe(65_534);
    await server.stop();
    for (const name of await fs.readdir(dataDir))
      expect((await fs.stat(path.join(dataDir, name))).uid).toBe(65_534);
  });

  it("works on an ordinary user's data and leaves it usable to that user", async () => {
    const dataDir = path.join(folder, 'shared', 'data');
    await fs.mkdir(path.dirname(dataDir));
    await fs.chown(path.dirname(dataDir), 65_534, 65_534);
    await fs.chmod(home, 0o755);
    const asUser = (): UserProcess =>
      new UserProcess(installed.program, 'hold', { dataDir, ...quick }, ordinaryUser);
    const before = asUser();
    await before.ready();
    await before.finish();

    const server = await startPostgres({ dataDir });
    expect(await uidOf(server.pid)).toBe(65_534);
    const joined = asUser();
    expect(await joined.ready()).toMatchObject({ attached: true, pid: server.pid });
    await server.stop();
    await joined.finish();

    const after = asUser();
    expect(await after.ready()).toMatchObject({ attached: false });
    await after.finish();
  });

  it('says whose the data are when an ordinary user may not have them', async () => {
    const dataDir = path.join(home, 'data');
    const user = new UserProcess(installed.program, 'hold', { dataDir }, ordinaryUser);
    expect(await user.failure()).toMatchObject({
      code: 'data-dir-not-writable',
      message: expect.stringMatching(/closed to this user \(uid 65534\)/) as string,
    });
    await user.ended;
  });

  it('says what to do when the cluster belongs to root, as after a restore', async () => {
    const dataDir = path.join(folder, 'told');
    await chownAll(path.join(dataDir, 'cluster'), 0, 0);
    await expect(startPostgres({ dataDir })).rejects.toMatchObject({
      code: 'data-dir-not-writable',
      message: expect.stringContaining('chown -R') as string,
    });
  });
});

describe('as an ordinary user', () => {
  it('uses a copy of the binaries when the installed ones lack links and are read-only', async () => {
    await fs.chmod(home, 0o755);
    await fs.rm(link(installed.native), { force: true });
    const lib = path.join(installed.native, 'lib');
    await fs.chmod(lib, 0o555);
    const own = path.join(folder, 'own');
    await fs.mkdir(own);
    if (ordinaryUser.uid !== undefined)
      await fs.chown(own, ordinaryUser.uid, ordinaryUser.gid ?? ordinaryUser.uid);
    const options = { dataDir: path.join(own, 'data'), ...quick };
    const how = { ...ordinaryUser, env: { XDG_CACHE_HOME: path.join(own, 'cache') } };

    const first = new UserProcess(installed.program, 'hold', options, how);
    const { pid } = await first.ready();
    const exe = await fs.readlink(`/proc/${pid}/exe`);
    expect(exe).toMatch(new RegExp(`^${own}/cache/dt-postgres/`));
    await first.finish();

    // A cleaner of old files has been there.
    const lost = path.join(path.dirname(exe), '../share/postgresql/timezonesets/Default');
    await fs.rm(lost);
    const second = new UserProcess(installed.program, 'hold', options, how);
    await second.ready();
    await second.finish();
    expect((await fs.stat(lost)).isFile()).toBe(true);
    await fs.chmod(lib, 0o755);
  });
});

it('finds an account in /etc/passwd, and never root', () => {
  const passwd =
    'root:x:0:0:root:/root:/bin/sh\npostgres:x:26:27:PostgreSQL:/var/lib:/bin/sh\nevil:x:0:0::/:/bin/sh\nodd';
  const named = (wanted: string) => accountOf(passwd, ({ name }) => name === wanted);
  expect(named('postgres')).toEqual({ uid: 26, gid: 27 });
  expect(named('evil')).toBeUndefined();
  expect(named('nobody')).toBeUndefined();
  expect(accountOf(passwd, ({ uid }) => uid === 26)).toEqual({ uid: 26, gid: 27 });
});
