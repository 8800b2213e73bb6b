import { readCached, readFully } from './file-io.ts';
import { topicKeySeed } from './message-keys.ts';
import type { Segment } from './segment.ts';

/** Position in the segment, size, tag hash: three int32. */
export const ENTRY_WORDS = 3;
export const ENTRY_BYTES = ENTRY_WORDS * 4;
/** Entries of a finished segment that are read at once and kept, 12 KiB a queue. */
const WINDOW_ENTRIES = 1024;

/** The entries of a finished segment that were read last. */
interface EntryWindow {
  block: QueueBlock;
  /** Position of the first one in its block. */
  first: number;
  words: Int32Array;
}

/** The messages of one queue that lie in one segment, with consecutive queue offsets. */
export class QueueBlock {
  readonly queue: StoreQueue;
  readonly segment: Segment;
  readonly firstOffset: number;
  count = 0;
  /** Its topic was deleted: not written to the index file. */
  dropped = false;
  #memory: Int32Array | undefined;
  #filePosition = 0;

  constructor(queue: StoreQueue, segment: Segment, firstOffset: number) {
    this.queue = queue;
    this.segment = segment;
    this.firstOffset = firstOffset;
  }

  static inFile(
    queue: StoreQueue,
    segment: Segment,
    firstOffset: number,
    count: number,
    filePosition: number,
  ): QueueBlock {
    const block = new QueueBlock(queue, segment, firstOffset);
    block.count = count;
    block.#filePosition = filePosition;
    return block;
  }

  push(position: number, size: number, tagHash: number): void {
    let memory = this.#memory ?? new Int32Array(16 * ENTRY_WORDS);
    const at = this.count * ENTRY_WORDS;
    if (at === memory.length) {
      const larger = new Int32Array(memory.length * 2);
      larger.set(memory);
      memory = larger;
    }
    this.#memory = memory;
    memory[at] = position;
    memory[at + 1] = size;
    memory[at + 2] = tagHash;
    this.count++;
  }

  /** `count` entries from the queue offset `from` on; at once while they are in memory. */
  entries(from: number, count: number): Int32Array | Promise<Int32Array> {
    const first = from - this.firstOffset;
    if (this.#memory !== undefined) return slice(this.#memory, first, count);
    const { window } = this.queue;
    if (
      window?.block === this &&
      first >= window.first &&
      first + count <= window.first + window.words.length / ENTRY_WORDS
    ) {
      return slice(window.words, first - window.first, count);
    }
    return this.#entriesFromFile(first, count);
  }

  /** All entries, past what is kept of those read last. */
  async allEntries(): Promise<Int32Array> {
    if (this.#memory !== undefined) return this.words();
    const words = new Int32Array(this.count * ENTRY_WORDS);
    const bytes = Buffer.from(words.buffer);
    await readFully(this.segment.indexFd, bytes, bytes.length, this.#filePosition);
    return words;
  }

  /** Entries in memory, for writing them to the index file. */
  words(): Int32Array {
    return (this.#memory ?? new Int32Array(0)).subarray(0, this.count * ENTRY_WORDS);
  }

  moveToFile(filePosition: number): void {
    this.#filePosition = filePosition;
    this.#memory = undefined;
  }

  /** Reads more than is asked for: whoever reads a queue goes on behind. */
  async #entriesFromFile(first: number, count: number): Promise<Int32Array> {
    const words = new Int32Array(Math.max(count, Math.min(WINDOW_ENTRIES, this.count - first)) * ENTRY_WORDS);
    const bytes = Buffer.from(words.buffer);
    await readCached(this.segment.indexFd, bytes, bytes.length, this.#filePosition + first * ENTRY_BYTES);
    this.queue.window = { block: this, first, words };
    return slice(words, 0, count);
  }
}

function slice(words: Int32Array, first: number, count: number): Int32Array {
  return words.subarray(first * ENTRY_WORDS, (first + count) * ENTRY_WORDS);
}

/** One message queue of a topic. */
export class StoreQueue {
  readonly topic: string;
  readonly queueId: number;
  readonly topicBytes: Buffer;
  readonly keySeed: number;
  /** Offset the next message gets. */
  assignedOffset = 0;
  /** First offset readers cannot see yet. */
  maxOffset = 0;
  /** Oldest first. */
  blocks: QueueBlock[] = [];
  window: EntryWindow | undefined;

  constructor(topic: string, queueId: number) {
    this.topic = topic;
    this.queueId = queueId;
    this.topicBytes = Buffer.from(topic);
    this.keySeed = topicKeySeed(topic);
  }

  get minOffset(): number {
    return this.blocks[0]?.firstOffset ?? this.maxOffset;
  }

  /** Starts behind what was there before: the messages are gone, their offsets stay used. */
  startAt(offset: number): void {
    this.assignedOffset = offset;
    this.maxOffset = offset;
  }

  push(segment: Segment, position: number, size: number, tagHash: number): void {
    let block = this.blocks.at(-1);
    if (
      block === undefined ||
      block.segment !== segment ||
      block.firstOffset + block.count !== this.assignedOffset
    ) {
      block = new QueueBlock(this, segment, this.assignedOffset);
      this.blocks.push(block);
      segment.blocks.push(block);
    }
    block.push(position, size, tagHash);
    this.assignedOffset++;
  }

  /** Tag hashes from a just published offset on: those entries lie together, in memory. */
  newTagHashes(fromOffset: number): Int32Array {
    const hashes = new Int32Array(this.maxOffset - fromOffset);
    const block = this.blocks[this.blockIndex(fromOffset)];
    const entries = block?.entries(fromOffset, hashes.length);
    if (entries instanceof Int32Array) {
      for (let i = 0; i < hashes.length; i++) hashes[i] = entries[i * ENTRY_WORDS + 2] ?? 0;
    }
    return hashes;
  }

  /** Forgets messages that never reached the file. */
  rollBack(): void {
    this.assignedOffset = this.maxOffset;
    for (let block = this.blocks.at(-1); block !== undefined; block = this.blocks.at(-1)) {
      block.count = Math.max(0, Math.min(block.count, this.maxOffset - block.firstOffset));
      if (block.count > 0) return;
      block.dropped = true;
      this.blocks.pop();
    }
  }

  /** Index of the block that holds `offset`, or of the first one behind it; blocks.length behind all. */
  blockIndex(offset: number): number {
    let low = 0;
    let high = this.blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = this.blocks[middle];
      if (block !== undefined && block.firstOffset + block.count <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
