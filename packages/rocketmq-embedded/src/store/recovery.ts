import fs from 'node:fs';
import path from 'node:path';
import { isValidName } from '@dt/rocketmq-protocol';
import type { Logger } from '../logger.ts';
import { indexMessage } from './commit-log.ts';
import type { DamagedRange, DamageReport, LostMessages } from './damage.ts';
import { checkSegment } from './log-check.ts';
import type { StoreQueue } from './queue.ts';
import { RecordScan, type RecordVisitor } from './record-scan.ts';
import type { RecordSummary } from './record.ts';
import { loadSealedSegment, sealSegment, type QueueLookup } from './segment-index.ts';
import { Segment, SEGMENT_NAME } from './segment.ts';

/** Of topics, those of retries and dead letters included. */
const MAX_NAME_LENGTH = 255;

export interface RecoveryOptions {
  folder: string;
  queueFor: QueueLookup;
  damage: DamageReport;
  logger: Logger;
}

export interface Recovered {
  /** Oldest first; the last one is open for writing. */
  segments: Segment[];
  /** Offsets of damaged messages stay taken, and no intact record says so. */
  tookOffsets: boolean;
}

/**
 * Opens the segments of a folder and rebuilds the index. Finished segments bring theirs in a file; the newest one
 * is read through, each record held against its checksum, and cut where a crash tore it. Damage is named and passed
 * over, or ends the start.
 */
export async function recoverSegments(options: RecoveryOptions): Promise<Recovered> {
  const { folder, logger } = options;
  const names = fs.readdirSync(folder);
  const bases = names.map((name) => SEGMENT_NAME.exec(name)?.[1]).filter((base) => base !== undefined);
  bases.sort();
  for (const name of names) {
    const stem = name.replace(/\.idx(\.tmp)?$/, '');
    if (stem !== name && (name.endsWith('.tmp') || !bases.includes(stem))) fs.rmSync(path.join(folder, name));
  }
  const isComplete = Number(bases[0] ?? 0) === 0;
  const segments: Segment[] = [];
  let tookOffsets = false;
  for (const [index, base] of bases.entries()) {
    const segment = new Segment(folder, Number(base));
    const previous = segments.at(-1);
    if (previous !== undefined && previous.endOffset !== segment.baseOffset) {
      logger.warn(
        { file: segment.file, expected: previous.endOffset },
        'rocketmq store: part of the log is missing',
      );
    }
    segment.open();
    segments.push(segment);
    const indexing = new Indexing(segment, options, isComplete);
    if (index < bases.length - 1) await openFinished(segment, indexing, options);
    else openNewest(segment, indexing, options);
    tookOffsets ||= indexing.tookOffsets;
  }
  if (segments.length === 0) {
    const first = new Segment(folder, 0);
    first.create();
    segments.push(first);
  }
  return { segments, tookOffsets };
}

async function openFinished(segment: Segment, indexing: Indexing, options: RecoveryOptions): Promise<void> {
  const { queueFor, damage, logger } = options;
  const sizeBytes = fs.fstatSync(segment.fd).size;
  if (loadSealedSegment(segment, sizeBytes, queueFor)) {
    if (damage.refuses) await checkSegment(segment, damage);
    return;
  }
  logger.warn(
    { file: segment.indexFile },
    'rocketmq store: index of a segment is missing or damaged, made again',
  );
  new RecordScan(segment.fd, sizeBytes, segment.baseOffset).run(indexing);
  damage.inLog(segment.file, indexing.ranges, indexing.lost);
  segment.sizeBytes = sizeBytes;
  segment.assignedBytes = sizeBytes;
  // Nothing intact in it: its age is that of the file, or it would never be removed.
  if (segment.lastTimestamp === 0) segment.lastTimestamp = fs.fstatSync(segment.fd).mtimeMs;
  await sealSegment(segment);
}

function openNewest(segment: Segment, indexing: Indexing, { damage, logger }: RecoveryOptions): void {
  const sizeBytes = fs.fstatSync(segment.fd).size;
  new RecordScan(segment.fd, sizeBytes, segment.baseOffset).run(indexing);
  segment.sizeBytes = indexing.end;
  segment.assignedBytes = indexing.end;
  const { torn, ranges, lost } = indexing;
  damage.inLog(
    segment.file,
    ranges.filter((range) => range !== torn),
    lost,
  );
  if (torn === undefined) return;
  logger.warn(
    {
      file: segment.file,
      keptBytes: indexing.end,
      cutBytes: sizeBytes - indexing.end,
      lost: Object.fromEntries(lost),
    },
    'rocketmq store: torn end of the log cut off',
  );
  fs.ftruncateSync(segment.fd, indexing.end);
  fs.fsyncSync(segment.fd);
}

/** Indexes the intact records of a segment. */
class Indexing implements RecordVisitor {
  readonly ranges: DamagedRange[] = [];
  readonly lost: LostMessages = new Map();
  /** Where the last intact record ends. */
  end = 0;
  /** Offsets of damaged messages stay taken although nothing intact of their queue follows. */
  tookOffsets = false;
  readonly #segment: Segment;
  readonly #options: RecoveryOptions;
  /** Nothing was ever removed from the log: what a queue does not begin with is lost. */
  readonly #isComplete: boolean;
  #torn: DamagedRange | undefined;

  constructor(segment: Segment, options: RecoveryOptions, isComplete: boolean) {
    this.#segment = segment;
    this.#options = options;
    this.#isComplete = isComplete;
  }

  /** Damaged bytes behind the last intact record, as a crash leaves them. */
  get torn(): DamagedRange | undefined {
    return this.#torn;
  }

  record(summary: RecordSummary, position: number, messageBytes: number): void {
    const { topic, queueId, queueOffset, storeTimestamp } = summary;
    this.end = position + messageBytes;
    this.#segment.lastTimestamp = storeTimestamp;
    const queue = this.#options.queueFor(topic, queueId, this.#segment.baseOffset + this.end);
    if (queue === undefined || queueOffset < queue.assignedOffset) return;
    const isKnown = queue.blocks.length > 0 || queue.assignedOffset > 0 || this.#isComplete;
    if (this.ranges.length > 0 && isKnown) this.#lose(queue, queueOffset - queue.assignedOffset);
    queue.startAt(queueOffset);
    indexMessage(this.#segment, queue, position, messageBytes, summary.properties);
    queue.maxOffset = queue.assignedOffset;
  }

  damage(range: DamagedRange, claims: RecordSummary | undefined, isTail: boolean): void {
    if (isTail) this.#torn = range;
    this.ranges.push(range);
    if (claims === undefined || !isValidName(claims.topic, MAX_NAME_LENGTH)) return;
    // Believed only where it says just what has to be said there.
    const end = this.#segment.baseOffset + range.position + range.bytes;
    const queue = this.#options.queueFor(claims.topic, claims.queueId, end);
    if (queue?.assignedOffset !== claims.queueOffset) return;
    this.#lose(queue, 1);
    queue.startAt(claims.queueOffset + 1);
    this.tookOffsets = true;
  }

  #lose(queue: StoreQueue, count: number): void {
    if (count <= 0) return;
    const name = `${queue.topic}@${queue.queueId}`;
    this.lost.set(name, (this.lost.get(name) ?? 0) + count);
  }
}
