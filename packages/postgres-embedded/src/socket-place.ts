import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Account } from './account.ts';
import { PostgresError, systemErrorCode } from './errors.ts';
import { canTraverse } from './files.ts';
import type { Layout } from './layout.ts';

/** Bytes in sockaddr_un.sun_path without the closing zero. */
const PATH_LIMIT_BYTES = process.platform === 'linux' ? 107 : 103;

export interface SocketPlace {
  /** As the server is told. */
  serverDir: string;
  /** As clients name it. */
  clientDir: string;
}

/**
 * Where the server's socket lies: in the cluster folder, which nobody else may enter, or when that path is too long
 * for a socket, in a folder with the same permissions below the temp folder.
 */
export async function placeSocket(
  layout: Layout,
  port: number,
  account: Account | undefined,
): Promise<SocketPlace> {
  const fits = (folder: string): boolean =>
    Buffer.byteLength(path.join(folder, `.s.PGSQL.${port}`)) <= PATH_LIMIT_BYTES;
  // By a relative name, which has no length to speak of and needs no permission on the folders above.
  if (fits(layout.cluster)) return { serverDir: '.', clientDir: layout.cluster };
  for (const base of new Set([os.tmpdir(), '/tmp'])) {
    if (
      !fits(path.join(base, `${privateName(layout, account)}-XXXXXX`)) ||
      !(await canTraverse(base, account))
    )
      continue;
    const folder = await privateFolder(path.join(base, privateName(layout, account)), account);
    return { serverDir: folder, clientDir: folder };
  }
  throw new PostgresError(
    'start-failed',
    `${layout.cluster} is too long for the path of a socket (${PATH_LIMIT_BYTES} bytes), and no temp folder will do ` +
      `either. Use a shorter data folder, or transport 'tcp'.`,
  );
}

/** Removes a private folder, if that is what it is and the server has left it empty. */
export async function removeSocketPlace(layout: Layout, folder: string): Promise<void> {
  if (folder !== layout.cluster) await fs.rmdir(folder).catch(() => {});
}

function privateName(layout: Layout, account: Account | undefined): string {
  const uid = account?.uid ?? process.geteuid?.() ?? 0;
  return `dt-pg-${crypto.createHash('sha256').update(`${uid}:${layout.cluster}`).digest('hex').slice(0, 16)}`;
}

/** Anybody may make folders in /tmp, so one that is there is used only if nobody else can have a hand in it. */
async function privateFolder(folder: string, account: Account | undefined): Promise<string> {
  const self = process.geteuid?.() ?? 0;
  try {
    await fs.mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    const found = await fs.lstat(folder);
    const ours = found.uid === self || found.uid === account?.uid;
    if (!found.isDirectory() || !ours || (found.mode & 0o077) !== 0) folder = await fs.mkdtemp(`${folder}-`);
  }
  if (account) await fs.chown(folder, account.uid, account.gid);
  return folder;
}
