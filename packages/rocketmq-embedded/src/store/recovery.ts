import fs from 'node:fs';
import path from 'node:path';
import { EmbeddedError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { indexMessage } from './commit-log.ts';
import { CHECKSUM_BYTES, isIntact, MIN_MESSAGE_BYTES, summarize } from './record.ts';
import { loadSealedSegment, sealSegment, type QueueLookup } from './segment-index.ts';
import { Segment, SEGMENT_NAME } from './segment.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Opens the segments of a folder and rebuilds the index. Finished segments bring theirs in a file; the newest one
 * is read through, each record held against its checksum, and cut where a crash tore it.
 */
export async function recoverSegments(
  folder: string,
  queueFor: QueueLookup,
  logger: Logger,
): Promise<Segment[]> {
  const names = fs.readdirSync(folder);
  const bases = names.map((name) => SEGMENT_NAME.exec(name)?.[1]).filter((base) => base !== undefined);
  bases.sort();
  for (const name of names) {
    const stem = name.replace(/\.idx(\.tmp)?$/, '');
    if (stem !== name && (name.endsWith('.tmp') || !bases.includes(stem))) fs.rmSync(path.join(folder, name));
  }
  const segments: Segment[] = [];
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
    if (index < bases.length - 1) await openFinished(segment, queueFor, logger);
    else openNewest(segment, queueFor, logger);
  }
  if (segments.length === 0) {
    const first = new Segment(folder, 0);
    first.create();
    segments.push(first);
  }
  return segments;
}

async function openFinished(segment: Segment, queueFor: QueueLookup, logger: Logger): Promise<void> {
  const sizeBytes = fs.fstatSync(segment.fd).size;
  if (loadSealedSegment(segment, sizeBytes, queueFor)) return;
  logger.info({ file: segment.file }, 'rocketmq store: index of a segment is made again');
  const good = scan(segment, sizeBytes, queueFor);
  if (good < sizeBytes) {
    throw new EmbeddedError(
      'store-corrupt',
      `${segment.file} does not hold its checksum at byte ${good}. Restore the file from a copy, ` +
        'or move it out of the folder to go on without its messages',
    );
  }
  await sealSegment(segment);
}

function openNewest(segment: Segment, queueFor: QueueLookup, logger: Logger): void {
  const sizeBytes = fs.fstatSync(segment.fd).size;
  const good = scan(segment, sizeBytes, queueFor);
  if (good === sizeBytes) return;
  logger.warn(
    { file: segment.file, keptBytes: good, cutBytes: sizeBytes - good },
    'rocketmq store: torn end of the log cut off',
  );
  fs.ftruncateSync(segment.fd, good);
  fs.fsyncSync(segment.fd);
}

/** Indexes intact records from the start on; returns where they end. */
function scan(segment: Segment, sizeBytes: number, queueFor: QueueLookup): number {
  let chunk: Buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(sizeBytes, 1)));
  let chunkStart = 0;
  let chunkLength = fs.readSync(segment.fd, chunk, 0, chunk.length, 0);
  let at = 0;
  for (;;) {
    let local = at - chunkStart;
    const headBytes = CHECKSUM_BYTES + MIN_MESSAGE_BYTES;
    if (sizeBytes - at < headBytes) break;
    const need =
      chunkLength - local >= headBytes
        ? CHECKSUM_BYTES + chunk.readInt32BE(local + CHECKSUM_BYTES)
        : headBytes;
    if (need < headBytes || at + need > sizeBytes) break;
    if (local + need > chunkLength) {
      if (need > chunk.length) chunk = Buffer.allocUnsafe(need);
      chunkStart = at;
      chunkLength = fs.readSync(segment.fd, chunk, 0, chunk.length, at);
      local = 0;
      if (chunkLength < headBytes) break;
      // The size could not be read before: look again.
      if (need === headBytes) continue;
    }
    const messageBytes = need - CHECKSUM_BYTES;
    if (!isIntact(chunk.subarray(0, chunkLength), local, messageBytes)) break;
    const position = at + CHECKSUM_BYTES;
    const summary = summarize(chunk, local + CHECKSUM_BYTES);
    if (summary.physicalOffset !== segment.baseOffset + position) break;
    const queue = queueFor(summary.topic, summary.queueId, segment.baseOffset + at + need);
    if (queue !== undefined && summary.queueOffset >= queue.assignedOffset) {
      queue.startAt(summary.queueOffset);
      indexMessage(segment, queue, position, messageBytes, summary.properties);
      queue.maxOffset = queue.assignedOffset;
    }
    segment.lastTimestamp = summary.storeTimestamp;
    at += need;
  }
  segment.sizeBytes = at;
  segment.assignedBytes = at;
  return at;
}
