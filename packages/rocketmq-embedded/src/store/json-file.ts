import fs from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import { EmbeddedError, systemCode } from '../errors.ts';
import { syncFolder } from './file-io.ts';

/**
 * A small JSON document that is replaced as a whole: written beside, made durable, renamed over. A crash leaves
 * the old document or the new one, never half of one.
 */
export class JsonFile {
  readonly path: string;
  readonly #temporary: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.path = file;
    this.#temporary = `${file}.tmp`;
  }

  /** The parsed document, or undefined when there is none yet. */
  load(): unknown {
    let text: string;
    try {
      text = fs.readFileSync(this.path, 'utf8');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new EmbeddedError(
        'store-corrupt',
        `${this.path} is not JSON; restore it from a copy, or move it away to start without what it held`,
        { cause: error },
      );
    }
  }

  /** For what must be on disk before anything else happens: a new topic, a new group. */
  saveNow(document: unknown): void {
    // Its own temporary file: an asynchronous save may be in the middle of the other one.
    const temporary = `${this.#temporary}.now`;
    const fd = fs.openSync(temporary, 'w');
    try {
      fs.writeFileSync(fd, JSON.stringify(document, null, 2));
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, this.path);
    syncFolder(path.dirname(this.path));
  }

  /** For what is saved now and then: offsets. Calls run one after another. */
  save(document: unknown): Promise<void> {
    const text = JSON.stringify(document, null, 2);
    const write = this.#writing.then(async () => {
      const handle = await open(this.#temporary, 'w');
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(this.#temporary, this.path);
    });
    this.#writing = write.catch(() => undefined);
    return write;
  }
}
