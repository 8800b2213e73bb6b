import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NacosSettings } from './settings.ts';

/** The last good copy of the document, for a start while Nacos is away. It may hold secrets: only its owner reads it. */
export class Snapshot {
  readonly file: string;
  readonly #folder: string;

  constructor(folder: string, { namespace, group, dataId }: NacosSettings) {
    this.#folder = folder;
    const name = [namespace || 'public', group, dataId].map(encodeURIComponent).join('@');
    this.file = join(folder, name);
  }

  /** @returns undefined when there is no copy */
  async read(): Promise<{ text: string; ageMs: number } | undefined> {
    try {
      const [text, { mtimeMs }] = await Promise.all([readFile(this.file, 'utf8'), stat(this.file)]);
      return { text, ageMs: Math.max(0, Date.now() - mtimeMs) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Whole or not at all: a process that dies meanwhile leaves the copy before. */
  async write(text: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const temporary = `${this.file}.${randomUUID()}`;
    try {
      await writeFile(temporary, text, { mode: 0o600, flag: 'wx', flush: true });
      await rename(temporary, this.file);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}
