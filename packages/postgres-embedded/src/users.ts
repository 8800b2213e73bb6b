import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { ownerOf, readJson, writeWhole } from './files.ts';
import type { Layout } from './layout.ts';
import { identify, isProcessIdentity, livenessOf } from './process-identity.ts';

/**
 * Who uses the server: one file a handle, named `<pid>-<random>`. The last one out stops the server.
 *
 * No lock guards the leaving, since a dying process takes none. Instead both sides write before they read: who comes
 * writes the own file and then looks whether an earlier user is still there; who leaves removes the own file (or is
 * dead) and then looks for others. So at least one of the two sees the other: either the leaver lets the server run, or
 * the comer knows that it must start it anew.
 */
export interface UserEntry {
  readonly name: string;
  remove(): Promise<void>;
}

export async function enterUser(layout: Layout): Promise<UserEntry> {
  await fs.mkdir(layout.users, { recursive: true, mode: 0o700 });
  const owner = await ownerOf(layout.dataDir);
  if (owner) await fs.chown(layout.users, owner.uid, owner.gid);
  const name = `${process.pid}-${crypto.randomUUID()}`;
  const file = path.join(layout.users, name);
  await writeWhole(file, JSON.stringify(await identify(process.pid)), owner);
  return { name, remove: () => fs.rm(file, { force: true }) };
}

export interface OtherUsers {
  running: number;
  /** Recorded in another container. */
  elsewhere: number;
}

/** Counts the users but `self`, and removes the entries of those that are gone. */
export async function otherUsers(layout: Layout, self: string): Promise<OtherUsers> {
  const others: OtherUsers = { running: 0, elsewhere: 0 };
  for (const name of await fs.readdir(layout.users).catch(() => [])) {
    if (name === self) continue;
    const file = path.join(layout.users, name);
    const identity = await readJson(file);
    const liveness = isProcessIdentity(identity) ? await livenessOf(identity) : 'gone';
    if (liveness === 'running') others.running += 1;
    else if (liveness === 'elsewhere') others.elsewhere += 1;
    else if (!name.endsWith('.tmp')) await fs.rm(file, { force: true });
    else await removeOld(file);
  }
  return others;
}

/** An entry of the users' folder that nobody will go on with. */
async function removeOld(file: string): Promise<void> {
  const stat = await fs.stat(file).catch(() => undefined);
  if (stat && Date.now() - stat.mtimeMs > 60_000) await fs.rm(file, { force: true });
}
