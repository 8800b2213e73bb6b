import crypto from 'node:crypto';
import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode } from './errors.ts';
import { ensureLibraryLinks } from './platform.ts';

/** For building extensions, not for running a server. */
const LEFT_OUT = /(\.a|[/\\](pkgconfig|pgxs))$/;

/**
 * Copies, with permissions that let every account run them; hard links would carry over those of the originals. Appears
 * under its name when it is complete; what has been there is replaced.
 */
export async function copyNative(native: string, copy: string): Promise<void> {
  const unfinished = `${copy}.${process.pid}-${crypto.randomUUID()}`;
  try {
    await copyFolder(native, unfinished);
    if (!(await ensureLibraryLinks(unfinished))) throw new Error(`${unfinished} cannot be written`);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await fs.rename(unfinished, copy);
        return;
      } catch (error) {
        if (!['EEXIST', 'ENOTEMPTY', 'EPERM'].includes(systemErrorCode(error) ?? '') || attempt === 3)
          throw error;
      }
      // Another process has been faster, or an old one is damaged.
      if (await isSameTree(native, copy)) return;
      await fs.rename(copy, `${unfinished}.old`);
      await fs.rm(`${unfinished}.old`, { recursive: true, force: true });
    }
  } finally {
    await fs.rm(unfinished, { recursive: true, force: true });
  }
}

/** Whether a copy is complete: cleaners of temp folders take single files away. */
export async function isSameTree(native: string, copy: string): Promise<boolean> {
  try {
    for (const entry of await fs.readdir(native, { withFileTypes: true })) {
      const [from, to] = [path.join(native, entry.name), path.join(copy, entry.name)];
      if (LEFT_OUT.test(from)) continue;
      if (entry.isDirectory()) {
        if (!(await isSameTree(from, to))) return false;
      } else if (entry.isFile()) {
        const [original, copied] = await Promise.all([fs.stat(from), fs.stat(to)]);
        if (original.size !== copied.size) return false;
      }
    }
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  await fs.mkdir(to, { mode: 0o755 });
  // The umask has had its say at mkdir.
  await fs.chmod(to, 0o755);
  for (const entry of await fs.readdir(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (LEFT_OUT.test(source)) continue;
    if (entry.isDirectory()) {
      await copyFolder(source, target);
    } else if (entry.isFile()) {
      await fs.copyFile(source, target, constants.COPYFILE_FICLONE);
      await fs.chmod(
        target,
        path.basename(from) === 'bin' || (await fs.stat(source)).mode & 0o111 ? 0o755 : 0o644,
      );
    }
  }
}
