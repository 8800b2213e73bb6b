import fs from 'node:fs';
import type { DamagedRange } from './damage.ts';
import {
  CHECKSUM_BYTES,
  isIntact,
  MAGIC_PREFIX,
  MIN_MESSAGE_BYTES,
  PHYSICAL_OFFSET_AT,
  readInt64,
  summarize,
  type RecordSummary,
} from './record.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;
const HEAD_BYTES = CHECKSUM_BYTES + MIN_MESSAGE_BYTES;
/** Of the magic number, behind checksum and size. */
const MAGIC_AT = CHECKSUM_BYTES + 4;

export interface RecordVisitor {
  /** An intact record whose message starts at `position` of the file. */
  record(summary: RecordSummary, position: number, messageBytes: number): void;
  /**
   * Bytes without an intact record; further intact ones follow, or `isTail`. `claims` is what the first of them says
   * of itself, as far as it can be read: it is not to be trusted.
   */
  damage(range: DamagedRange, claims: RecordSummary | undefined, isTail: boolean): void;
}

/**
 * Reads a segment from its start, record by record. Where one does not hold its checksum the next one is looked for:
 * behind it when its length leads to an intact record, otherwise at the next place that has all marks of a record and
 * holds its checksum.
 */
export class RecordScan {
  readonly #fd: number;
  readonly #sizeBytes: number;
  readonly #baseOffset: number;
  #chunk: Buffer;
  #bytes: Buffer;
  #start = 0;

  constructor(fd: number, sizeBytes: number, baseOffset: number) {
    this.#fd = fd;
    this.#sizeBytes = sizeBytes;
    this.#baseOffset = baseOffset;
    this.#chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(sizeBytes, 1)));
    this.#bytes = this.#chunk.subarray(0, 0);
  }

  run(visitor: RecordVisitor): void {
    let at = 0;
    while (at < this.#sizeBytes) {
      const end = this.#intactEnd(at);
      if (end !== undefined) {
        const local = this.#load(at, end - at) + CHECKSUM_BYTES;
        visitor.record(summarize(this.#bytes, local), at + CHECKSUM_BYTES, end - at - CHECKSUM_BYTES);
        at = end;
        continue;
      }
      const claims = this.#claims(at);
      const next = this.#next(at);
      visitor.damage({ position: at, bytes: (next ?? this.#sizeBytes) - at }, claims, next === undefined);
      at = next ?? this.#sizeBytes;
    }
  }

  /** Where the record at `at` ends; undefined when none that is intact starts there. */
  #intactEnd(at: number): number | undefined {
    const need = this.#claimedBytes(at);
    if (need === undefined) return undefined;
    const local = this.#load(at, need);
    if (readInt64(this.#bytes, local + CHECKSUM_BYTES + PHYSICAL_OFFSET_AT) !== this.#physical(at))
      return undefined;
    return isIntact(this.#bytes, local, need - CHECKSUM_BYTES) ? at + need : undefined;
  }

  /** Size with checksum of what starts at `at`, by its own word; undefined when it cannot be. */
  #claimedBytes(at: number): number | undefined {
    if (this.#sizeBytes - at < HEAD_BYTES) return undefined;
    const local = this.#load(at, HEAD_BYTES);
    const need = CHECKSUM_BYTES + this.#bytes.readInt32BE(local + CHECKSUM_BYTES);
    return need < HEAD_BYTES || at + need > this.#sizeBytes ? undefined : need;
  }

  #claims(at: number): RecordSummary | undefined {
    const need = this.#claimedBytes(at);
    if (need === undefined) return undefined;
    const local = this.#load(at, need) + CHECKSUM_BYTES;
    try {
      const summary = summarize(this.#bytes.subarray(0, local + need - CHECKSUM_BYTES), local);
      return summary.physicalOffset === this.#physical(at) ? summary : undefined;
    } catch {
      // A length in it leads out of it.
      return undefined;
    }
  }

  #next(at: number): number | undefined {
    const claimed = this.#claimedBytes(at);
    if (claimed !== undefined && this.#intactEnd(at + claimed) !== undefined) return at + claimed;
    let from = at + 1 + MAGIC_AT;
    while (from + MAGIC_PREFIX.length <= this.#sizeBytes) {
      const local = this.#load(from, MAGIC_PREFIX.length);
      const found = this.#bytes.indexOf(MAGIC_PREFIX, local);
      if (found < 0) {
        // The mark may lie across the end of what is in memory.
        from = this.#start + this.#bytes.length - MAGIC_PREFIX.length + 1;
        continue;
      }
      const candidate = this.#start + found - MAGIC_AT;
      if (this.#intactEnd(candidate) !== undefined) return candidate;
      from = candidate + MAGIC_AT + 1;
    }
    return undefined;
  }

  #physical(at: number): number {
    return this.#baseOffset + at + CHECKSUM_BYTES;
  }

  /** Has these bytes of the file in memory; returns where they start there. */
  #load(at: number, bytes: number): number {
    if (at < this.#start || at + bytes > this.#start + this.#bytes.length) {
      if (bytes > this.#chunk.length) this.#chunk = Buffer.allocUnsafe(bytes);
      const length = fs.readSync(this.#fd, this.#chunk, 0, this.#chunk.length, at);
      this.#bytes = this.#chunk.subarray(0, length);
      this.#start = at;
    }
    return at - this.#start;
  }
}
