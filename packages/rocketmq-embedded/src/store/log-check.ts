import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logger.ts';
import type { DamagedRange, DamageReport, LostMessages } from './damage.ts';
import { readFully } from './file-io.ts';
import { ENTRY_WORDS, type QueueBlock } from './queue.ts';
import { CHECKSUM_BYTES, isIntact } from './record.ts';
import type { Segment } from './segment.ts';

/** Bytes that are read and checked together; one record may be larger. */
const SLICE_BYTES = 1024 * 1024;
/** Between two slices of the check in the background: about 100 MB a second, a tenth of a core. */
const PAUSE_MS = 10;
/** Room for the size of a message beside its position in one number: both of 2^27 times this are exact. */
const SIZES = 2 ** 24;

/** Names in the background what is damaged in finished segments. What is read before is checked as it is read. */
export class LogCheck {
  readonly #stop = new AbortController();
  /** Ends with the check, whatever it finds. */
  readonly done: Promise<void>;

  constructor(segments: readonly Segment[], damage: DamageReport, logger: Logger) {
    this.done = this.#run(segments, damage, logger);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.done;
  }

  async #run(segments: readonly Segment[], damage: DamageReport, logger: Logger): Promise<void> {
    const { signal } = this.#stop;
    const pause = (): Promise<void> => delay(PAUSE_MS, undefined, { signal, ref: false });
    try {
      for (const segment of segments) {
        // Retention may have taken it meanwhile.
        if (segment.isOpen) await checkSegment(segment, damage, pause);
      }
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'rocketmq store: checking older segments failed');
    }
  }
}

/** Holds every indexed record of a finished segment against its checksum. */
export async function checkSegment(
  segment: Segment,
  damage: DamageReport,
  pause?: () => Promise<void>,
): Promise<void> {
  await segment.reading(async () => {
    const damaged = await damagedRecords(segment, await recordsInOrder(segment), pause);
    if (damaged.length > 0) damage.inLog(segment.file, damaged, await lostIn(segment, damaged));
  });
}

/** Position and size of each message, in the order of the file, as one number: sorting those costs little. */
async function recordsInOrder(segment: Segment): Promise<Float64Array> {
  const records = new Float64Array(segment.blocks.reduce((sum, block) => sum + block.count, 0));
  let count = 0;
  for (const block of segment.blocks) {
    const words = await block.allEntries();
    for (let i = 0; i < words.length; i += ENTRY_WORDS)
      records[count++] = (words[i] ?? 0) * SIZES + (words[i + 1] ?? 0);
  }
  return records.sort();
}

async function damagedRecords(
  segment: Segment,
  records: Float64Array,
  pause: (() => Promise<void>) | undefined,
): Promise<DamagedRange[]> {
  const damaged: DamagedRange[] = [];
  let slice = Buffer.allocUnsafe(SLICE_BYTES);
  for (let first = 0; first < records.length;) {
    const start = Math.floor((records[first] ?? 0) / SIZES) - CHECKSUM_BYTES;
    let end = first;
    let bytes = 0;
    for (; end < records.length; end++) {
      const record = records[end] ?? 0;
      const upTo = Math.floor(record / SIZES) + (record % SIZES) - start;
      if (upTo > SLICE_BYTES && end > first) break;
      bytes = upTo;
    }
    if (bytes > slice.length) slice = Buffer.allocUnsafe(bytes);
    const length = await readFully(segment.fd, slice, bytes, start);
    const held = slice.subarray(0, length);
    for (; first < end; first++) {
      const record = records[first] ?? 0;
      const position = Math.floor(record / SIZES) - CHECKSUM_BYTES;
      const size = record % SIZES;
      const local = position - start;
      if (local + CHECKSUM_BYTES + size > length || !isIntact(held, local, size))
        damaged.push({ position, bytes: CHECKSUM_BYTES + size });
    }
    await pause?.();
  }
  return damaged;
}

async function lostIn(segment: Segment, damaged: readonly DamagedRange[]): Promise<LostMessages> {
  const positions = new Set(damaged.map(({ position }) => position + CHECKSUM_BYTES));
  const lost: LostMessages = new Map();
  for (const block of segment.blocks) {
    const count = countOf(await block.allEntries(), positions);
    const name = queueName(block);
    if (count > 0) lost.set(name, (lost.get(name) ?? 0) + count);
  }
  return lost;
}

function countOf(words: Int32Array, positions: ReadonlySet<number>): number {
  let count = 0;
  for (let i = 0; i < words.length; i += ENTRY_WORDS) if (positions.has(words[i] ?? 0)) count++;
  return count;
}

function queueName({ queue }: QueueBlock): string {
  return `${queue.topic}@${queue.queueId}`;
}
