import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemErrorCode } from './errors.ts';
import { identify, isProcessIdentity, livenessOf } from './process-identity.ts';

/** A lock that was taken in another container cannot be judged; after this time it is taken for left behind. */
const ELSEWHERE_STALE_MS = 120_000;
const POLL_MS = 20;

/**
 * One at a time among processes, by a file that names its holder. A holder that was killed is found out by its
 * identity and its lock is removed.
 * @returns the release, or undefined when the deadline has passed
 */
export async function takeStartLock(
  file: string,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<(() => Promise<void>) | undefined> {
  const self = await identify(process.pid);
  const content = JSON.stringify({ ...self, nonce: crypto.randomUUID() });
  const mine = `${file}.${process.pid}-${crypto.randomUUID()}`;
  await fs.writeFile(mine, content, { mode: 0o600, flag: 'wx' });
  try {
    for (;;) {
      signal?.throwIfAborted();
      try {
        // A link appears with all of its content or not at all.
        await fs.link(mine, file);
        return () => fs.rm(file, { force: true });
      } catch (error) {
        if (systemErrorCode(error) !== 'EEXIST') throw error;
      }
      if (await isLeftBehind(file)) {
        await removeLeftBehind(file, deadline, signal);
        continue;
      }
      if (Date.now() >= deadline) return undefined;
      await sleep(POLL_MS, undefined, { signal });
    }
  } finally {
    await fs.rm(mine, { force: true });
  }
}

/**
 * Only whoever holds the lock on the removal may remove: else two could find the same dead holder, and the slower one
 * would remove the lock that the faster one has taken meanwhile.
 */
async function removeLeftBehind(
  file: string,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const release = await takeStartLock(`${file}.removal`, deadline, signal);
  if (!release) return;
  try {
    if (await isLeftBehind(file)) await fs.rm(file, { force: true });
  } finally {
    await release();
  }
}

async function isLeftBehind(file: string): Promise<boolean> {
  let text: string;
  let modifiedAt: number;
  try {
    text = await fs.readFile(file, 'utf8');
    modifiedAt = (await fs.stat(file)).mtimeMs;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
  let holder: unknown;
  try {
    holder = JSON.parse(text);
  } catch {
    // It was whole when it was linked: only a power failure makes it less.
    return true;
  }
  if (!isProcessIdentity(holder)) return true;
  const liveness = await livenessOf(holder);
  return liveness === 'gone' || (liveness === 'elsewhere' && Date.now() - modifiedAt > ELSEWHERE_STALE_MS);
}

/** Removes what waiters that were killed have left beside the lock. */
export async function sweepLockWaiters(file: string): Promise<void> {
  const folder = path.dirname(file);
  const prefix = `${path.basename(file)}.`;
  for (const name of await fs.readdir(folder)) {
    if (!/\.\d+-[0-9a-f-]{36}$/.test(name) || !name.startsWith(prefix)) continue;
    const waiter = JSON.parse(
      (await fs.readFile(path.join(folder, name), 'utf8').catch(() => '')) || 'null',
    ) as unknown;
    if (isProcessIdentity(waiter) && (await livenessOf(waiter)) !== 'gone') continue;
    await fs.rm(path.join(folder, name), { force: true });
  }
}
