import fs from 'node:fs/promises';
import path from 'node:path';
import type { Account } from './account.ts';
import { PostgresError, systemErrorCode } from './errors.ts';
import { UNFINISHED_PREFIX, type Layout } from './layout.ts';

/** What an empty file system, a checkout or a file manager leaves in a folder that is empty to its user. */
const HARMLESS = /^(\..*|lost\+found)$/;

/**
 * Makes the folder when it is missing, and makes sure that it is this package's and can be worked in.
 * @throws {PostgresError} `data-dir-not-writable`, `data-dir-not-empty`, `disk-full`
 */
export async function openDataDir(layout: Layout): Promise<void> {
  let names: string[];
  try {
    await fs.mkdir(layout.dataDir, { recursive: true, mode: 0o700 });
    names = await fs.readdir(layout.dataDir);
    await fs.access(layout.dataDir, fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    throw fileTrouble(layout.dataDir, error);
  }
  if (names.includes(path.basename(layout.cluster))) return;
  const { users, startLock, log, password, server } = layout;
  const ours = [users, startLock, log, password, server].map((file) => path.basename(file));
  const foreign = names.filter(
    (name) =>
      !HARMLESS.test(name) &&
      !ours.some((own) => name.startsWith(own)) &&
      !name.startsWith(UNFINISHED_PREFIX),
  );
  if (foreign.length === 0) return;
  throw new PostgresError(
    'data-dir-not-empty',
    foreign.includes('PG_VERSION')
      ? `${layout.dataDir} is a PostgreSQL data directory itself. Here the data folder holds it under the name ` +
          `"${path.basename(layout.cluster)}": move it there, or name another folder.`
      : `${layout.dataDir} is not empty and holds no database (found ${foreign.slice(0, 3).join(', ')}). ` +
          `Name an empty or a new folder.`,
  );
}

/**
 * @returns false when there is no cluster yet
 * @throws {PostgresError} `data-dir-version`, `data-dir-not-writable`, `data-dir-not-empty`
 */
export async function checkCluster(
  layout: Layout,
  major: number,
  account: Account | undefined,
): Promise<boolean> {
  let version: string;
  try {
    const stat = await fs.stat(layout.cluster).catch((error: unknown) => {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (!stat) return false;
    if (account && stat.uid !== account.uid) throw ownedByRoot(layout, account);
    version = (await fs.readFile(path.join(layout.cluster, 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw fileTrouble(layout.cluster, error);
    throw new PostgresError(
      'data-dir-not-empty',
      `${layout.cluster} is no PostgreSQL data directory: it has no PG_VERSION. Restore it, or name another folder.`,
      { cause: error },
    );
  }
  if (version === String(major)) return true;
  throw new PostgresError(
    'data-dir-version',
    `${layout.cluster} was made by PostgreSQL ${version}, and this is PostgreSQL ${major}. Dump it with the old version ` +
      `and restore it here, or name another folder.`,
  );
}

function ownedByRoot(layout: Layout, account: Account): PostgresError {
  return new PostgresError(
    'data-dir-not-writable',
    `${layout.cluster} belongs to root, and PostgreSQL does not run as root. ` +
      `Give it to another user: chown -R ${account.uid}:${account.gid} ${layout.cluster}`,
  );
}

/** What a system error means for somebody who has named a data folder. */
export function fileTrouble(where: string, error: unknown): PostgresError {
  if (error instanceof PostgresError) return error;
  const options = { cause: error };
  switch (systemErrorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new PostgresError(
        'disk-full',
        `No space is left for ${where}. Make room, then start again.`,
        options,
      );
    case 'EACCES':
    case 'EPERM':
      return new PostgresError(
        'data-dir-not-writable',
        `${where} is closed to this user${ownUser()}. Was it made by another one (root)? Name another data folder, ` +
          `or change the owner of this one.`,
        options,
      );
    case 'EROFS':
      return new PostgresError('data-dir-not-writable', `${where} lies on a read-only file system.`, options);
    case 'EEXIST':
    case 'ENOTDIR':
      return new PostgresError('data-dir-not-writable', `${where} is not a folder.`, options);
    default:
      return new PostgresError('start-failed', `${where}: ${String(error)}`, options);
  }
}

function ownUser(): string {
  const uid = process.geteuid?.();
  return uid === undefined ? '' : ` (uid ${uid})`;
}
