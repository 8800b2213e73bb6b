import fs from 'node:fs/promises';
import type { Layout } from './layout.ts';
import type { Settings } from './options.ts';

/** Whom PostgreSQL runs as, when that is not this process's own user. */
export interface Account {
  uid: number;
  gid: number;
}

const NOBODY: Account = { uid: 65_534, gid: 65_534 };

/**
 * PostgreSQL refuses to run as root, so root gives way to another account: the owner of the cluster when there is one,
 * else the one that is asked for, else the owner of the data folder (a user's checkout, mounted into a container), else
 * the system's `postgres`, else `nobody`. Everybody else runs it as themselves.
 */
export async function chooseAccount(layout: Layout, settings: Settings): Promise<Account | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const cluster = await fs.stat(layout.cluster).catch(() => undefined);
  if (cluster && cluster.uid !== 0) return { uid: cluster.uid, gid: cluster.gid };
  if (settings.runAs) return settings.runAs;
  const passwd = await fs.readFile('/etc/passwd', 'utf8').catch(() => '');
  const { uid } = await fs.stat(layout.dataDir);
  return (
    accountOf(passwd, (entry) => entry.uid === uid) ??
    accountOf(passwd, (entry) => entry.name === 'postgres') ??
    accountOf(passwd, (entry) => entry.name === 'nobody') ??
    NOBODY
  );
}

/** An entry of /etc/passwd (passwd(5): name:password:uid:gid:...) that is not root's. initdb wants one to be there. */
export function accountOf(
  passwd: string,
  isWanted: (entry: Account & { name: string }) => boolean,
): Account | undefined {
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === undefined || uid === undefined || gid === undefined) continue;
    const entry = { name, uid: Number(uid), gid: Number(gid) };
    if (entry.uid > 0 && isWanted(entry)) return { uid: entry.uid, gid: entry.gid };
  }
  return undefined;
}
