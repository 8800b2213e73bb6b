import { readFully } from './file-io.ts';

/** Hash of topic and key, position in the segment: two int32. */
export const KEY_WORDS = 2;
export const KEY_BYTES = KEY_WORDS * 4;

/**
 * Where the messages with a key lie, within one segment. While the segment grows: pairs in memory in the order of
 * writing. Afterwards: pairs in the index file, sorted by hash and position, searched there.
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

  /** All pairs in memory, sorted by hash; those of one hash stay in the order of writing. */
  sortedWords(): Int32Array {
    const pairs = (this.#memory ?? new Int32Array(0)).subarray(0, this.#count * KEY_WORDS);
    // Two stable passes of 16 bits: comparing would hold up the process for hundreds of milliseconds.
    return radixPass(radixPass(pairs, 0), 16);
  }

  useFile(fd: () => number, position: number, count: number): void {
    this.#file = { fd, position };
    this.#count = count;
    this.#memory = undefined;
  }

  /** Positions of the messages with this hash, oldest first. */
  async find(hash: number): Promise<number[]> {
    const file = this.#file;
    if (file === undefined) return this.#findInMemory(hash);
    const positions: number[] = [];
    const pair = Buffer.alloc(KEY_BYTES);
    const words = new Int32Array(pair.buffer, pair.byteOffset, KEY_WORDS);
    const load = async (index: number): Promise<number> => {
      await readFully(file.fd(), pair, 0, KEY_BYTES, file.position + index * KEY_BYTES);
      return words[0] ?? 0;
    };
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((await load(middle)) < hash) low = middle + 1;
      else high = middle;
    }
    for (; low < this.#count && (await load(low)) === hash; low++) positions.push(words[1] ?? 0);
    return positions;
  }

  #findInMemory(hash: number): number[] {
    const positions: number[] = [];
    const memory = this.#memory;
    if (memory === undefined) return positions;
    for (let i = 0; i < this.#count; i++) {
      if (memory[i * KEY_WORDS] === hash) positions.push(memory[i * KEY_WORDS + 1] ?? 0);
    }
    return positions;
  }
}

function radixPass(pairs: Int32Array, shift: 0 | 16): Int32Array {
  const starts = new Int32Array(65_537);
  // The upper half is signed: biased, so that negative hashes come first.
  const bias = shift === 16 ? 0x8000 : 0;
  const digit = (hash: number): number => ((hash >>> shift) & 0xffff) ^ bias;
  for (let i = 0; i < pairs.length; i += KEY_WORDS) {
    const next = digit(pairs[i] ?? 0) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let i = 1; i < starts.length; i++) starts[i] = (starts[i] ?? 0) + (starts[i - 1] ?? 0);
  const sorted = new Int32Array(pairs.length);
  for (let i = 0; i < pairs.length; i += KEY_WORDS) {
    const bucket = digit(pairs[i] ?? 0);
    const at = starts[bucket] ?? 0;
    starts[bucket] = at + 1;
    sorted[at * KEY_WORDS] = pairs[i] ?? 0;
    sorted[at * KEY_WORDS + 1] = pairs[i + 1] ?? 0;
  }
  return sorted;
}
