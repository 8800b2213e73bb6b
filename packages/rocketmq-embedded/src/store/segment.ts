import fs from 'node:fs';
import path from 'node:path';
import { KeyIndex } from './key-index.ts';
import type { QueueBlock } from './queue.ts';

/** `00000000001073741824.log`: the physical offset of the first byte, so that names sort by age. */
export const SEGMENT_NAME = /^(\d{20})\.log$/;

/** One file of the log, with the index of the messages in it. */
export class Segment {
  readonly baseOffset: number;
  readonly file: string;
  readonly indexFile: string;
  /** Bytes that readers may see. */
  sizeBytes = 0;
  /** Bytes given to messages, written or still waiting. */
  assignedBytes = 0;
  /** Store time of the newest message; 0 while empty. */
  lastTimestamp = 0;
  /** The index is in its file: this segment never changes again. */
  sealed = false;
  blocks: QueueBlock[] = [];
  keys = new KeyIndex();
  #fd = -1;
  #indexFd = -1;
  #readers = 0;
  #closing = false;

  constructor(folder: string, baseOffset: number) {
    this.baseOffset = baseOffset;
    const name = String(baseOffset).padStart(20, '0');
    this.file = path.join(folder, `${name}.log`);
    this.indexFile = path.join(folder, `${name}.idx`);
  }

  get endOffset(): number {
    return this.baseOffset + this.sizeBytes;
  }

  get isOpen(): boolean {
    return this.#fd >= 0;
  }

  get fd(): number {
    return this.#fd;
  }

  get indexFd(): number {
    if (this.#indexFd < 0) this.#indexFd = fs.openSync(this.indexFile, 'r');
    return this.#indexFd;
  }

  create(): void {
    this.#fd = fs.openSync(this.file, 'wx+');
  }

  open(): void {
    this.#fd = fs.openSync(this.file, 'r+');
  }

  /** Keeps the descriptors alive while `work` runs, also when the segment is removed meanwhile. */
  async reading<T>(work: () => Promise<T>): Promise<T> {
    this.#readers++;
    try {
      return await work();
    } finally {
      this.#readers--;
      if (this.#closing) this.close();
    }
  }

  close(): void {
    this.#closing = true;
    if (this.#readers > 0) return;
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    if (this.#indexFd >= 0) fs.closeSync(this.#indexFd);
    this.#fd = -1;
    this.#indexFd = -1;
  }

  /** The log goes first: an index without its log is swept at the next start. */
  remove(): void {
    fs.rmSync(this.file, { force: true });
    fs.rmSync(this.indexFile, { force: true });
    this.close();
  }
}
