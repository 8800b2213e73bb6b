import fs from 'node:fs';
import type { DamageReport } from './damage.ts';
import { readCached } from './file-io.ts';
import { ENTRY_WORDS, type StoreQueue } from './queue.ts';
import { CHECKSUM_BYTES, isIntact } from './record.ts';
import type { Segment } from './segment.ts';

/** How a read ended; the names go to clients as remarks. */
export type ReadStatus =
  | 'FOUND'
  | 'NO_MATCHED_MESSAGE'
  | 'MESSAGE_WAS_REMOVING'
  | 'OFFSET_FOUND_NULL'
  | 'OFFSET_OVERFLOW_BADLY'
  | 'OFFSET_OVERFLOW_ONE'
  | 'OFFSET_TOO_SMALL'
  | 'NO_MESSAGE_IN_QUEUE';

export interface ReadResult {
  status: ReadStatus;
  /** Where the next read goes on. */
  nextOffset: number;
  minOffset: number;
  maxOffset: number;
  /** Stored messages one after the other. */
  body: Buffer;
  count: number;
}

export interface ReadLimits {
  maxCount: number;
  /** The first message is returned whatever its size. */
  maxBytes: number;
  /** Entries looked at in one call. */
  maxScan: number;
  /** Tag hashes wanted; undefined for all. */
  tagHashes?: ReadonlySet<number> | undefined;
}

/** Gaps up to this many bytes are read along: one larger read is cheaper than two. */
const MAX_GAP_BYTES = 4096;
const EMPTY = Buffer.alloc(0);

interface Location {
  segment: Segment;
  position: number;
  size: number;
  queueOffset: number;
}

export async function readQueue(
  queue: StoreQueue | undefined,
  offset: number,
  limits: ReadLimits,
  damage: DamageReport,
): Promise<ReadResult> {
  // A queue nobody has written to is an empty queue: a real broker makes it on the first read.
  if (queue === undefined) return nothing('NO_MESSAGE_IN_QUEUE', 0, 0, 0);
  const { minOffset, maxOffset } = queue;
  if (maxOffset === 0) return nothing('NO_MESSAGE_IN_QUEUE', 0, minOffset, maxOffset);
  if (offset < minOffset) return nothing('OFFSET_TOO_SMALL', minOffset, minOffset, maxOffset);
  if (offset === maxOffset) return nothing('OFFSET_OVERFLOW_ONE', offset, minOffset, maxOffset);
  if (offset > maxOffset) return nothing('OFFSET_OVERFLOW_BADLY', maxOffset, minOffset, maxOffset);

  try {
    for (let from = offset; ;) {
      const { result, damagedCount } = await readFrom(queue, from, limits, damage);
      // Nothing but damaged messages: those behind them are what was asked for.
      if (damagedCount === 0 || result.count > 0 || result.nextOffset >= maxOffset) return result;
      from = result.nextOffset;
    }
  } catch (error) {
    // Retention took the segment in the middle of the read: the next one starts behind it.
    if (offset >= queue.minOffset) throw error;
    return nothing('MESSAGE_WAS_REMOVING', queue.minOffset, queue.minOffset, maxOffset);
  }
}

async function readFrom(
  queue: StoreQueue,
  offset: number,
  limits: ReadLimits,
  damage: DamageReport,
): Promise<{ result: ReadResult; damagedCount: number }> {
  const { minOffset, maxOffset } = queue;
  const found: Location[] = [];
  let bytes = 0;
  let next = offset;
  let scanned = 0;
  scanning: while (next < maxOffset && scanned < limits.maxScan) {
    const block = queue.blocks[queue.blockIndex(next)];
    if (block === undefined) {
      // Part of the log is damaged or was taken away: nothing is left up to the end.
      next = maxOffset;
      break;
    }
    next = Math.max(next, block.firstOffset);
    const available = Math.min(block.firstOffset + block.count, maxOffset) - next;
    if (available <= 0) break;
    const wanted = limits.tagHashes === undefined ? limits.maxCount - found.length : limits.maxScan - scanned;
    const count = Math.min(available, wanted, limits.maxScan - scanned);
    const read = block.entries(next, count);
    const entries = read instanceof Int32Array ? read : await block.segment.reading(() => read);
    for (let i = 0; i < entries.length; i += ENTRY_WORDS) {
      const size = entries[i + 1] ?? 0;
      if (limits.tagHashes === undefined || limits.tagHashes.has(entries[i + 2] ?? 0)) {
        if (found.length >= limits.maxCount || (found.length > 0 && bytes + size > limits.maxBytes))
          break scanning;
        found.push({ segment: block.segment, position: entries[i] ?? 0, size, queueOffset: next });
        bytes += size;
      }
      next++;
      scanned++;
    }
    if (found.length >= limits.maxCount) break;
  }
  const { body, damagedCount } = await readLocations(queue, found, damage);
  const count = found.length - damagedCount;
  const status = count > 0 ? 'FOUND' : 'NO_MATCHED_MESSAGE';
  return { result: { status, nextOffset: next, minOffset, maxOffset, body, count }, damagedCount };
}

function nothing(status: ReadStatus, nextOffset: number, minOffset: number, maxOffset: number): ReadResult {
  return { status, nextOffset, minOffset, maxOffset, body: EMPTY, count: 0 };
}

interface PackedRun {
  body: Buffer;
  damagedCount: number;
}

/** Reads messages, neighbours together, and packs those that are intact without their checksums. */
async function readLocations(queue: StoreQueue, found: Location[], damage: DamageReport): Promise<PackedRun> {
  const runs: Location[][] = [];
  let end = 0;
  for (const location of found) {
    const run = runs.at(-1);
    const gap = location.position - CHECKSUM_BYTES - end;
    if (run?.[0]?.segment === location.segment && gap >= 0 && gap <= MAX_GAP_BYTES) run.push(location);
    else runs.push([location]);
    end = location.position + location.size;
  }
  const first = runs[0];
  if (first === undefined) return { body: EMPTY, damagedCount: 0 };
  // Packed in place where one read brings it all, as for a queue whose messages lie together.
  if (runs.length === 1) return readRun(queue, first, damage);
  const parts = await Promise.all(runs.map((run) => readRun(queue, run, damage)));
  return {
    body: Buffer.concat(parts.map(({ body }) => body)),
    damagedCount: parts.reduce((sum, part) => sum + part.damagedCount, 0),
  };
}

async function readRun(queue: StoreQueue, run: Location[], damage: DamageReport): Promise<PackedRun> {
  const first = run[0];
  const last = run.at(-1);
  if (first === undefined || last === undefined) return { body: EMPTY, damagedCount: 0 };
  const start = first.position - CHECKSUM_BYTES;
  const length = last.position + last.size - start;
  const buffer = Buffer.allocUnsafe(length);
  const { fd, sealed } = first.segment;
  // The newest segment was written a moment ago and lies in the page cache. Older ones may come from the disk.
  const read = sealed ? readCached(fd, buffer, length, start) : fs.readSync(fd, buffer, 0, length, start);
  const got = typeof read === 'number' ? read : await first.segment.reading(() => read);
  const held = buffer.subarray(0, got);
  let packed = 0;
  let damagedCount = 0;
  for (const { segment, position, size, queueOffset } of run) {
    const at = position - start;
    if (!isIntact(held, at - CHECKSUM_BYTES, size)) {
      damage.inQueue(segment.file, position - CHECKSUM_BYTES, queue.topic, queue.queueId, queueOffset);
      damagedCount++;
      continue;
    }
    buffer.copyWithin(packed, at, at + size);
    packed += size;
  }
  return { body: buffer.subarray(0, packed), damagedCount };
}
