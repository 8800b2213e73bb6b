import fs from 'node:fs/promises';
import type { Settings } from './options.ts';

/** Whom PostgreSQL runs as, when that is not this process's own user. */
export interface Account {
  uid: number;
  gid: number;
}

const NOBODY: Account = { uid: 65_534, gid: 65_534 };

/**
 * PostgreSQL refuses to run as root, so root gives way to another account: the owner of the cluster when there is
 * one, else the system's `postgres`, else `nobody`. Everybody else runs it as themselves.
 */
export async function chooseAccount(clusterDir: string, settings: Settings): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await fs.stat(clusterDir).catch(() => undefined);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  if (settings.runAs) return settings.runAs;
  const passwd = await fs.readFile('/etc/passwd', 'utf8').catch(() => '');
  return accountNamed(passwd, 'postgres') ?? accountNamed(passwd, 'nobody') ?? NOBODY;
}

/** The entry of a name in the text of /etc/passwd (passwd(5): name:password:uid:gid:...). */
export function accountNamed(passwd: string, name: string): Account | undefined {
  for (const line of passwd.split('\n')) {
    const [entry, , uid, gid] = line.split(':');
    if (entry === name && uid !== undefined && gid !== undefined && Number(uid) > 0) {
      return { uid: Number(uid), gid: Number(gid) };
    }
  }
  return undefined;
}
