import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Account } from './account.ts';
import { copyNative, isSameTree } from './binaries-copy.ts';
import { runCommand, type CommandResult } from './command.ts';
import { PostgresError, systemErrorCode } from './errors.ts';
import type { Settings } from './options.ts';
import { binariesIn, ensureLibraryLinks, locateNative, USE_DATABASE_URL, type Binaries } from './platform.ts';

export interface UsableBinaries extends Binaries {
  /** Major version, which is that of the data folders that they can open. */
  major: number;
}

/** Looked at once a process: the files do not change under it. */
const known = new Map<string, Promise<UsableBinaries>>();

/**
 * Binaries that run here under the given account: those in node_modules, or a copy of them where that folder is closed
 * to the account, or lacks links and cannot be written.
 */
export async function findBinaries(
  settings: Settings,
  account: Account | undefined,
): Promise<UsableBinaries> {
  const native = locateNative();
  const key = JSON.stringify([native, account?.uid, account?.gid, settings.cacheDir]);
  let found = known.get(key);
  if (!found) {
    found = findUsable(native, settings, account);
    known.set(key, found);
    found.catch(() => known.delete(key));
  }
  return found;
}

/** @throws {PostgresError} `platform-unsupported`, `user-drop-failed` */
export async function findUsable(
  native: string,
  settings: Settings,
  account: Account | undefined,
): Promise<UsableBinaries> {
  const linked = await ensureLibraryLinks(native);
  let trouble = `${native} lacks links to its libraries and cannot be written`;
  if (linked) {
    const attempt = await tryBinaries(binariesIn(native), account);
    if (typeof attempt !== 'string') return attempt;
    trouble = attempt;
  }
  for (const cacheDir of cacheCandidates(settings)) {
    try {
      const copy = await cachedCopy(native, cacheDir);
      const attempt = await tryBinaries(binariesIn(copy), account);
      if (typeof attempt !== 'string') {
        settings.logger.debug('postgres: using a copy of the binaries', { folder: copy, because: trouble });
        return attempt;
      }
      trouble += `; ${attempt}`;
    } catch (error) {
      if (error instanceof PostgresError || settings.signal?.aborted) throw error;
      trouble += `; ${cacheDir}: ${String(error)}`;
    }
  }
  throw new PostgresError(
    'platform-unsupported',
    `The PostgreSQL binaries cannot be run from any folder: ${trouble}. Name a folder for a copy (cacheDir), ` +
      `or else: ${USE_DATABASE_URL}.`,
  );
}

/** @returns why they cannot be reached from there, when another folder may help */
async function tryBinaries(
  binaries: Binaries,
  account: Account | undefined,
): Promise<UsableBinaries | string> {
  let result: CommandResult;
  try {
    result = await runCommand(binaries.postgres, ['--version'], { account, cwd: '/', timeoutMs: 30_000 });
  } catch (cause) {
    switch (systemErrorCode(cause)) {
      case 'EACCES':
        return `${binaries.postgres} cannot be reached or executed${account ? ` by user ${account.uid}` : ''}`;
      case 'ENOENT':
        throw await missing(binaries, cause);
      case 'EPERM':
      case 'EINVAL':
        if (account) throw cannotDrop(account, cause);
        throw unsupported(`${binaries.postgres} cannot be started`, cause);
      default:
        throw unsupported(`${binaries.postgres} cannot be started`, cause);
    }
  }
  const major = /\(PostgreSQL\) (\d+)/.exec(result.stdout)?.[1];
  if (result.status === 0 && major !== undefined) return { ...binaries, major: Number(major) };
  const said = result.stderr.trim() || `exit ${String(result.status ?? result.signal)}`;
  if (/Permission denied|cannot open shared object file/.test(said)) return said;
  throw unsupported(`${binaries.postgres} does not run on this system: ${said.slice(-500)}`);
}

/** For a program that exists, "no such file" is said of its loader: the binaries are built for glibc. */
async function missing(binaries: Binaries, cause: unknown): Promise<PostgresError> {
  const exists = await fs.access(binaries.postgres).then(
    () => true,
    () => false,
  );
  return exists
    ? unsupported(
        'The PostgreSQL binaries on npm are built for glibc, which this system (musl, such as Alpine?) does not have',
        cause,
      )
    : unsupported(`${binaries.postgres} is missing from the installed package`, cause);
}

function unsupported(what: string, cause?: unknown): PostgresError {
  return new PostgresError('platform-unsupported', `${what}. ${USE_DATABASE_URL}.`, { cause });
}

export function cannotDrop(account: Account, cause: unknown): PostgresError {
  return new PostgresError(
    'user-drop-failed',
    `PostgreSQL does not run as root, and this root may not become user ${account.uid} (group ${account.gid}). ` +
      `Run as an ordinary user, or grant CHOWN, SETUID and SETGID, or else: ${USE_DATABASE_URL}.`,
    { cause },
  );
}

function cacheCandidates(settings: Settings): string[] {
  if (settings.cacheDir !== undefined) return [path.resolve(settings.cacheDir)];
  const uid = process.geteuid?.();
  const temporary = path.join(os.tmpdir(), uid === undefined ? 'dt-postgres' : `dt-postgres-${uid}`);
  const environment = process.env;
  switch (process.platform) {
    case 'win32':
      return [path.join(environment['LOCALAPPDATA'] ?? os.homedir(), 'dt-postgres'), temporary];
    case 'darwin':
      return [
        uid === 0 ? '/Library/Caches/dt-postgres' : path.join(os.homedir(), 'Library/Caches/dt-postgres'),
        temporary,
      ];
    default:
      if (uid === 0) return ['/var/cache/dt-postgres', temporary];
      return [
        path.join(environment['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'dt-postgres'),
        temporary,
      ];
  }
}

/** The copy for this version in a cache folder, made when it is missing or not complete. */
async function cachedCopy(native: string, cacheDir: string): Promise<string> {
  await fs.mkdir(cacheDir, { recursive: true, mode: 0o755 });
  const self = process.geteuid?.();
  if (self !== undefined) {
    const folder = await fs.lstat(cacheDir);
    // Programs are run from there: nobody else may be able to put some in.
    if (!folder.isDirectory() || folder.uid !== self || (folder.mode & 0o022) !== 0) {
      throw new Error('not a folder that only this user can write');
    }
    // Made under a strict umask it would be closed to the account that PostgreSQL runs as.
    if (self === 0) await fs.chmod(cacheDir, 0o755);
  }
  const { version } = JSON.parse(await fs.readFile(path.join(native, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const copy = path.join(cacheDir, `${version}-${process.platform}-${process.arch}`);
  if (!(await isSameTree(native, copy))) await copyNative(native, copy);
  return copy;
}
