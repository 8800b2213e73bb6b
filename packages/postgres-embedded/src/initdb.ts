import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Account } from './account.ts';
import { runCommand } from './command.ts';
import { systemErrorCode } from './errors.ts';
import { ownerOf } from './files.ts';
import { killProgramsIn } from './folder-processes.ts';
import { UNFINISHED_PREFIX, type Layout } from './layout.ts';
import type { PostgresLogger, Settings } from './options.ts';
import type { Binaries } from './platform.ts';
import { initdbFailure } from './start-failure.ts';

/**
 * The data directory as the given account can name it. As root the folders above may be closed to that account
 * (/root is), so the process is started *in* the directory, which costs no permission above it, and names it by
 * Linux's link to the own working directory.
 */
export function reachableName(directory: string, account: Account | undefined): string {
  return account && process.platform === 'linux' ? '/proc/self/cwd' : directory;
}

/**
 * Makes a cluster: complete or not at all, since it gets its name by a rename when everything is on disk.
 * Two processes may do it at once; the first rename wins, the other result is thrown away.
 */
export async function createCluster(
  layout: Layout,
  binaries: Binaries,
  settings: Settings,
  account: Account | undefined,
  timeoutMs: number,
): Promise<void> {
  const unfinished = path.join(layout.dataDir, `${UNFINISHED_PREFIX}${process.pid}-${crypto.randomUUID()}`);
  const passwordCopy = `${unfinished}.pw`;
  await fs.mkdir(unfinished, { mode: 0o700 });
  try {
    const password = await ensurePassword(layout);
    await fs.writeFile(passwordCopy, `${password}\n`, { mode: 0o600, flag: 'wx' });
    if (account) {
      await fs.chown(unfinished, account.uid, account.gid);
      await fs.chown(passwordCopy, account.uid, account.gid);
    }
    const windows = process.platform === 'win32';
    const passwordFile = await fs.open(passwordCopy, 'r');
    try {
      const result = await runCommand(
        binaries.initdb,
        [
          '-D',
          reachableName(unfinished, account),
          '--username',
          settings.user,
          windows ? '--auth-local=scram-sha-256' : '--auth-local=trust',
          '--auth-host=scram-sha-256',
          // By its descriptor: the account may be unable to reach the file by a path.
          `--pwfile=${windows ? passwordCopy : '/dev/stdin'}`,
          '--encoding=UTF8',
          '--no-locale',
          '--locale-provider=builtin',
          '--builtin-locale=C.UTF-8',
          '--data-checksums',
          ...(settings.parameters['fsync'] === 'off' ? ['--no-sync'] : []),
        ],
        { account, cwd: unfinished, stdin: passwordFile.fd, timeoutMs, signal: settings.signal },
      );
      settings.signal?.throwIfAborted();
      if (result.status !== 0) throw initdbFailure(result.stderr, result.status ?? result.signal, layout);
    } finally {
      await passwordFile.close();
    }
    await fs.rename(unfinished, layout.cluster).catch((error: unknown) => {
      if (!['EEXIST', 'ENOTEMPTY', 'EPERM'].includes(systemErrorCode(error) ?? '')) throw error;
    });
    await syncDirectory(layout.dataDir);
  } finally {
    await fs.rm(passwordCopy, { force: true });
    await discardUnfinished(unfinished, settings.logger);
  }
}

/**
 * Removes clusters that were never finished. Only for the holder of the start lock: whoever was working on them is dead
 * then, but its initdb may not be.
 */
export async function removeUnfinished(layout: Layout, logger: PostgresLogger): Promise<void> {
  for (const name of await fs.readdir(layout.dataDir)) {
    if (name.startsWith(UNFINISHED_PREFIX)) await discardUnfinished(path.join(layout.dataDir, name), logger);
  }
}

/** What cannot be removed is in nobody's way, and the next start tries again. */
async function discardUnfinished(folder: string, logger: PostgresLogger): Promise<void> {
  try {
    await killProgramsIn(folder);
    await fs.rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  } catch (error) {
    logger.warn('postgres: an unfinished database cannot be removed', { folder, error });
  }
}

/** The superuser's password, made once. Only TCP connections ask for it. */
async function ensurePassword(layout: Layout): Promise<string> {
  const fresh = crypto.randomBytes(24).toString('base64url');
  try {
    await fs.writeFile(layout.password, `${fresh}\n`, { mode: 0o600, flag: 'wx' });
    const owner = await ownerOf(layout.dataDir);
    if (owner) await fs.lchown(layout.password, owner.uid, owner.gid);
    return fresh;
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    return (await fs.readFile(layout.password, 'utf8')).trim();
  }
}

/** A rename is durable when the folder is; Windows has no such call and needs none. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await fs.open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
