import fs from 'node:fs';
import { open, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { EmbeddedError, systemCode } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { OnDamage } from './damage.ts';
import { syncFolder } from './file-io.ts';

/** First line of the file: no JSON begins like this, so a file without it is an older one, or one written by hand. */
const HEADER = /^#crc32 ([0-9a-f]{8})\n/;
const HEADER_BYTES = '#crc32 00000000\n'.length;

export interface JsonFileOptions {
  onDamage: OnDamage;
  logger: Logger;
}

/** What was found where a document should be. */
type Found = { state: 'missing' | 'damaged' } | { state: 'good'; document: unknown };

/**
 * A small JSON document behind its checksum, replaced as a whole: written beside, made durable, renamed over. A crash
 * leaves the old document or the new one, never half of one. A second file holds the same once more.
 */
export class JsonFile {
  readonly path: string;
  readonly #copy: string;
  readonly #options: JsonFileOptions;
  #writing: Promise<void> = Promise.resolve();
  #isLost = false;

  constructor(file: string, options: JsonFileOptions) {
    this.path = file;
    this.#copy = `${file}.bak`;
    this.#options = options;
  }

  /** The document was there, and is damaged beyond what its copy could mend. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * The parsed document, or undefined when there is none yet. A damaged one is taken from its copy; without a good copy
   * it is put aside as `.damaged`, and counts as none.
   */
  load(): unknown {
    const { logger, onDamage } = this.#options;
    const found = read(this.path);
    const copy = read(this.#copy);
    if (found.state === 'good') {
      if (copy.state === 'damaged') {
        logger.warn(
          { file: this.#copy },
          'rocketmq store: the copy of a configuration file is damaged, made again',
        );
        fs.copyFileSync(this.path, this.#copy);
      }
      return found.document;
    }
    if (found.state === 'missing' && copy.state !== 'good') return undefined;
    if (onDamage === 'refuse') {
      throw new EmbeddedError(
        'store-corrupt',
        `${this.path} is missing or does not hold its checksum. Restore the file from a copy, ` +
          "or start with onDamage 'serve-rest' to go on without what is damaged",
      );
    }
    if (copy.state === 'good') {
      logger.error(
        { file: this.path, copy: this.#copy },
        `rocketmq store: a configuration file is ${found.state}, its copy is taken`,
      );
      fs.copyFileSync(this.#copy, this.path);
      return copy.document;
    }
    const aside = `${this.path}.damaged`;
    logger.error(
      { file: this.path, aside },
      'rocketmq store: a configuration file and its copy are damaged, going on without what they held',
    );
    fs.renameSync(this.path, aside);
    this.#isLost = true;
    return undefined;
  }

  /** For what must be on disk before anything else happens: a new topic, a new group. */
  saveNow(document: unknown): void {
    const text = withChecksum(document);
    // Its own temporary file: an asynchronous save may be in the middle of the other one.
    const temporary = `${this.path}.tmp.now`;
    const fd = fs.openSync(temporary, 'w');
    try {
      fs.writeFileSync(fd, text);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, this.path);
    syncFolder(path.dirname(this.path));
    // The copy is for damage, not for power cuts: it need not be durable at once.
    const copy = `${this.#copy}.tmp.now`;
    fs.writeFileSync(copy, text);
    fs.renameSync(copy, this.#copy);
  }

  /** For what is saved now and then: offsets. Calls run one after another. */
  save(document: unknown): Promise<void> {
    const text = withChecksum(document);
    const write = this.#writing.then(async () => {
      const temporary = `${this.path}.tmp`;
      const handle = await open(temporary, 'w');
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.path);
      const copy = `${this.#copy}.tmp`;
      await writeFile(copy, text);
      await rename(copy, this.#copy);
    });
    this.#writing = write.catch(() => undefined);
    return write;
  }
}

function withChecksum(document: unknown): string {
  const text = JSON.stringify(document, null, 2);
  return `#crc32 ${crc32(text).toString(16).padStart(8, '0')}\n${text}`;
}

function read(file: string): Found {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { state: 'missing' };
    throw error;
  }
  const checksum = HEADER.exec(bytes.toString('latin1', 0, HEADER_BYTES))?.[1];
  const json = checksum === undefined ? bytes : bytes.subarray(HEADER_BYTES);
  if (checksum !== undefined && crc32(json) !== Number.parseInt(checksum, 16)) return { state: 'damaged' };
  try {
    return { state: 'good', document: JSON.parse(json.toString()) };
  } catch {
    return { state: 'damaged' };
  }
}
