import { readFully } from './file-io.ts';

/** Hash of topic and key, position in the segment: two int32. */
export const KEY_WORDS = 2;
export const KEY_BYTES = KEY_WORDS * 4;

/** Bytes of the file looked at in one read. */
const SCAN_BYTES = 1024 * 1024;

/**
 * Where the messages with a key lie, within one segment: pairs in the order of writing, in memory while the segment
 * grows, in its index file afterwards. A query looks through all of them, a few milliseconds a segment: queries by
 * key are rare, and sorting would make every send pay for them.
 */
export class KeyIndex {
  #memory: Int32Array | undefined;
  #count = 0;
  #file: { fd: () => number; position: number } | undefined;

  get count(): number {
    return this.#count;
  }

  push(hash: number, position: number): void {
    let memory = this.#memory ?? new Int32Array(64 * KEY_WORDS);
    const at = this.#count * KEY_WORDS;
    if (at === memory.length) {
      const larger = new Int32Array(memory.length * 2);
      larger.set(memory);
      memory = larger;
    }
    this.#memory = memory;
    memory[at] = hash;
    memory[at + 1] = position;
    this.#count++;
  }

  /** Forgets pairs from `position` on: their messages never reached the file. */
  rollBack(position: number): void {
    const memory = this.#memory;
    if (memory === undefined) return;
    while (this.#count > 0 && (memory[(this.#count - 1) * KEY_WORDS + 1] ?? 0) >= position) this.#count--;
  }

  /** The pairs in memory, for writing them to the index file. */
  words(): Int32Array {
    return (this.#memory ?? new Int32Array(0)).subarray(0, this.#count * KEY_WORDS);
  }

  useFile(fd: () => number, position: number, count: number): void {
    this.#file = { fd, position };
    this.#count = count;
    this.#memory = undefined;
  }

  /** Positions of the messages with this hash, oldest first. */
  async find(hash: number): Promise<number[]> {
    const file = this.#file;
    if (file === undefined) return matches(this.words(), hash);
    const positions: number[] = [];
    const total = this.#count * KEY_BYTES;
    for (let at = 0; at < total; at += SCAN_BYTES) {
      const words = new Int32Array(Math.min(SCAN_BYTES, total - at) / 4);
      await readFully(file.fd(), Buffer.from(words.buffer), words.byteLength, file.position + at);
      positions.push(...matches(words, hash));
    }
    return positions;
  }
}

function matches(words: Int32Array, hash: number): number[] {
  const positions: number[] = [];
  for (let i = 0; i < words.length; i += KEY_WORDS) if (words[i] === hash) positions.push(words[i + 1] ?? 0);
  return positions;
}
