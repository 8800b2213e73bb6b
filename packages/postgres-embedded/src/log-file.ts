import fs from 'node:fs/promises';
import { constants } from 'node:fs';
import { ownerOf } from './files.ts';
import type { Layout } from './layout.ts';

/** The log and its one predecessor are kept below this size each. */
const LIMIT_BYTES = 8 * 1024 * 1024;
const CHECK_INTERVAL_MS = 30_000;
const TAIL_BYTES = 2000;

/** Opens the log to be appended to, by the server itself: it goes on when this process is gone. */
export async function openLog(layout: Layout): Promise<fs.FileHandle> {
  await boundLog(layout.log);
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
  const handle = await fs.open(layout.log, flags, 0o600);
  const owner = await ownerOf(layout.dataDir);
  if (owner) await handle.chown(owner.uid, owner.gid);
  return handle;
}

/** Keeps the log of a running server bounded. @returns the end of it */
export function watchLog(layout: Layout): () => void {
  const timer = setInterval(() => void boundLog(layout.log).catch(() => {}), CHECK_INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * The server holds the file open, so it is copied and emptied, not renamed. A line that is written between the two is
 * lost.
 */
export async function boundLog(file: string, limitBytes: number = LIMIT_BYTES): Promise<void> {
  const stat = await fs.stat(file).catch(() => undefined);
  if (!stat || stat.size <= limitBytes) return;
  await fs.rm(`${file}.1`, { force: true });
  await fs.copyFile(file, `${file}.1`, constants.COPYFILE_EXCL);
  await fs.truncate(file, 0);
}

/** What the server has said since a position, at most the last few lines of it. */
export async function tailLog(file: string, since: number): Promise<string> {
  const handle = await fs.open(file, 'r').catch(() => undefined);
  if (!handle) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(Math.min(since, size), size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await handle.close();
  }
}
