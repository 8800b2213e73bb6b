import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { EmbeddedError, systemCode } from '../errors.ts';

const REFRESH_MS = 2_000;
/** A holder on another host (or in another container) shows life only through the file's time. */
const FOREIGN_STALE_MS = 10_000;
/** A file that is still empty belongs to a process between creating and filling it, or to one that died there. */
const EMPTY_STALE_MS = 1_000;
const NAME = /^lock\.(\d+)$/;

interface Holder {
  token: string;
  pid: number;
  host: string;
  /** Boot and start time of the process: a pid alone may be reused. Empty where the system does not tell. */
  started: string;
  released: boolean;
}

/**
 * One process per folder. Lock files are numbered and the highest number is the holder; a dead holder is followed
 * by creating the next number exclusively, so of two processes that find the same dead holder only one goes on.
 * A release marks the file instead of removing it: the highest number never disappears, and a slow reader of the
 * folder cannot take an old number for the newest. Nothing needs cleaning up after kill -9.
 */
export class FolderLock {
  readonly #file: string;
  readonly #holder: Holder;
  readonly #refresh: NodeJS.Timeout;

  private constructor(file: string, holder: Holder) {
    this.#file = file;
    this.#holder = holder;
    this.#refresh = setInterval(() => {
      const now = new Date();
      fs.utimes(file, now, now, () => undefined);
    }, REFRESH_MS);
    this.#refresh.unref();
  }

  static acquire(folder: string): FolderLock {
    for (;;) {
      const highest = highestLock(folder);
      if (highest > 0) refuseLiveHolder(folder, path.join(folder, `lock.${highest}`));
      const number = highest + 1;
      const file = path.join(folder, `lock.${number}`);
      const holder: Holder = {
        token: randomUUID(),
        pid: process.pid,
        host: os.hostname(),
        started: processStart(process.pid) ?? '',
        released: false,
      };
      try {
        fs.writeFileSync(file, JSON.stringify(holder), { flag: 'wx' });
      } catch (error) {
        if (systemCode(error) === 'EEXIST') continue;
        throw error;
      }
      if (highestLock(folder) !== number) {
        fs.rmSync(file, { force: true });
        continue;
      }
      for (const older of lockNumbers(folder)) {
        if (older < number) fs.rmSync(path.join(folder, `lock.${older}`), { force: true });
      }
      return new FolderLock(file, holder);
    }
  }

  release(): void {
    clearInterval(this.#refresh);
    try {
      fs.writeFileSync(this.#file, JSON.stringify({ ...this.#holder, released: true }));
    } catch (error) {
      // The folder was removed under us: nothing is left to release.
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
}

function lockNumbers(folder: string): number[] {
  return fs
    .readdirSync(folder)
    .map((name) => NAME.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number);
}

function highestLock(folder: string): number {
  return Math.max(0, ...lockNumbers(folder));
}

function refuseLiveHolder(folder: string, file: string): void {
  let text: string;
  let ageMs: number;
  try {
    text = fs.readFileSync(file, 'utf8');
    ageMs = Date.now() - fs.statSync(file).mtimeMs;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  const holder = parseHolder(text);
  if (holder === undefined) {
    if (ageMs < EMPTY_STALE_MS) throw locked(folder, 'another process is opening it at this moment');
    return;
  }
  if (holder.released) return;
  if (holder.host !== os.hostname()) {
    if (ageMs >= FOREIGN_STALE_MS) return;
    throw locked(folder, `process ${holder.pid} on host ${holder.host} has it open`);
  }
  if (isAlive(holder)) throw locked(folder, `process ${holder.pid} has it open`);
}

function locked(folder: string, why: string): EmbeddedError {
  return new EmbeddedError(
    'data-dir-locked',
    `data folder ${folder} is in use: ${why}. Stop that process or choose another folder (dataDir, --data)`,
    { retryable: true },
  );
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const holder = value as Partial<Holder>;
    if (typeof holder.pid !== 'number' || typeof holder.host !== 'string') return undefined;
    return {
      token: String(holder.token),
      pid: holder.pid,
      host: holder.host,
      started: holder.started ?? '',
      released: holder.released === true,
    };
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (systemCode(error) !== 'EPERM') return false;
  }
  const started = processStart(holder.pid);
  if (started === undefined) return process.platform !== 'linux';
  return holder.started === '' || holder.started === started;
}

/** Boot id and start time of a process on Linux; undefined elsewhere, and for a process that is gone or a zombie. */
function processStart(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold blanks and parentheses: fields are counted from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}`;
  } catch {
    return undefined;
  }
}
