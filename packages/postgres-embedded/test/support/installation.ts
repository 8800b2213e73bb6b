import fs from 'node:fs/promises';
import path from 'node:path';
import { locateNative } from '../../src/platform.ts';
import { buildProgram, modules } from './user-process.ts';

export interface Installation {
  /** user-main.ts, built. */
  program: string;
  /** The platform package's folder of binaries. */
  native: string;
}

/**
 * A checkout of its own, with a copy of the platform package as `npm ci --ignore-scripts` leaves it: without the links
 * between its libraries.
 */
export async function installInto(folder: string): Promise<Installation> {
  const own = path.join(folder, 'node_modules');
  const original = path.dirname(locateNative());
  const scope = path.basename(path.dirname(original));
  await fs.mkdir(path.join(own, scope), { recursive: true });
  for (const name of await fs.readdir(modules)) {
    if (name !== scope) await fs.symlink(path.join(modules, name), path.join(own, name));
  }
  const copy = path.join(own, scope, path.basename(original));
  await fs.cp(original, copy, {
    recursive: true,
    filter: async (file) => !file.endsWith('.a') && !(await fs.lstat(file)).isSymbolicLink(),
  });
  return { program: await buildProgram(folder), native: path.join(copy, 'native') };
}

/** Gives a folder and everything in it to somebody. */
export async function chownAll(folder: string, uid: number, gid: number): Promise<void> {
  for (const name of await fs.readdir(folder, { recursive: true }))
    await fs.lchown(path.join(folder, name), uid, gid);
  await fs.lchown(folder, uid, gid);
}
