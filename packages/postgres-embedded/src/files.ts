import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Account } from './account.ts';

/**
 * Writes a whole file or nothing. By a new file and a rename, so a link that someone has put there is replaced, not
 * followed: root writes into folders of other accounts here.
 */
export async function writeWhole(file: string, text: string, owner?: Account): Promise<void> {
  const unfinished = `${file}.${process.pid}-${crypto.randomUUID()}.tmp`;
  try {
    const handle = await fs.open(unfinished, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      if (owner) await handle.chown(owner.uid, owner.gid);
    } finally {
      await handle.close();
    }
    await fs.rename(unfinished, file);
  } catch (error) {
    await fs.rm(unfinished, { force: true }).catch(() => {});
    throw error;
  }
}

/** The parsed content, or undefined when there is no such file or nothing that can be read in it. */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await fs.readFile(file, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * Whom files in a folder should belong to: root, working in another user's folder, leaves them to that user, who could
 * not read them otherwise.
 */
export async function ownerOf(folder: string): Promise<Account | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const { uid, gid } = await fs.stat(folder);
  return uid === 0 ? undefined : { uid, gid };
}

/** Whether an account may pass through all folders down to this one, by their plain permission bits. */
export async function canTraverse(folder: string, account: Account | undefined): Promise<boolean> {
  if (!account) return true;
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const stat = await fs.stat(at).catch(() => undefined);
    if (!stat) return false;
    const bit = stat.uid === account.uid ? 0o100 : stat.gid === account.gid ? 0o010 : 0o001;
    if ((stat.mode & bit) === 0) return false;
    if (path.dirname(at) === at) return true;
  }
}
