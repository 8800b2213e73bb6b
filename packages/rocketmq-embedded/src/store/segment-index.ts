import fs from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { syncFolder } from './file-io.ts';
import { KEY_BYTES } from './key-index.ts';
import { ENTRY_BYTES, QueueBlock, type StoreQueue } from './queue.ts';
import type { Segment } from './segment.ts';

/**
 * The index file of a finished segment: header, queue entries, key pairs, directory; the checksum is over all behind
 * the header. It is derived: whatever does not fit its checksum or its segment is thrown away and made again from the
 * log. Words are in the byte order of
 * the machine; a file from another one fails the magic and is made again.
 */
const MAGIC = 0x44544958;
const VERSION = 2;
const HEADER_WORDS = 8;
const HEADER_BYTES = HEADER_WORDS * 4;

interface Directory {
  segmentBytes: number;
  lastTimestamp: number;
  keysAt: number;
  keyCount: number;
  /** topic, queue id, first queue offset, messages, position of the entries */
  queues: [string, number, number, number, number][];
}

/** Writes the index and lets go of the copy in memory. */
export async function sealSegment(segment: Segment): Promise<void> {
  const parts: Buffer[] = [];
  const moves: { block: QueueBlock; at: number }[] = [];
  const directory: Directory = {
    segmentBytes: segment.sizeBytes,
    lastTimestamp: segment.lastTimestamp,
    keysAt: 0,
    keyCount: segment.keys.count,
    queues: [],
  };
  let at = HEADER_BYTES;
  for (const block of segment.blocks) {
    if (block.dropped || block.count === 0) continue;
    const words = block.words();
    parts.push(Buffer.from(words.buffer, words.byteOffset, words.byteLength));
    directory.queues.push([block.queue.topic, block.queue.queueId, block.firstOffset, block.count, at]);
    moves.push({ block, at });
    at += words.byteLength;
  }
  const keys = segment.keys.words();
  directory.keysAt = at;
  parts.push(Buffer.from(keys.buffer, keys.byteOffset, keys.byteLength));
  at += keys.byteLength;
  const directoryBytes = Buffer.from(JSON.stringify(directory));
  const header = new Int32Array(HEADER_WORDS);
  parts.push(directoryBytes);
  const checksum = parts.reduce((sum, part) => crc32(part, sum), 0);
  header.set([MAGIC, VERSION, at, directoryBytes.length, checksum | 0]);

  const temporary = `${segment.indexFile}.tmp`;
  const handle = await open(temporary, 'w');
  try {
    // writeFile goes on where the last one ended, and writes all of it.
    for (const part of [Buffer.from(header.buffer), ...parts]) await handle.writeFile(part);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, segment.indexFile);
  syncFolder(path.dirname(segment.indexFile));

  for (const { block, at: position } of moves) block.moveToFile(position);
  segment.keys.useFile(() => segment.indexFd, directory.keysAt, directory.keyCount);
  segment.sealed = true;
}

/** Takes the index from its file. False when there is none that fits the segment. */
export function loadSealedSegment(segment: Segment, segmentBytes: number, queueFor: QueueLookup): boolean {
  const directory = readDirectory(segment.indexFile);
  if (directory?.segmentBytes !== segmentBytes) return false;
  segment.sizeBytes = segmentBytes;
  segment.assignedBytes = segmentBytes;
  segment.lastTimestamp = directory.lastTimestamp;
  for (const [topic, queueId, firstOffset, count, at] of directory.queues) {
    const queue = queueFor(topic, queueId, segment.endOffset);
    if (queue === undefined) continue;
    const block = QueueBlock.inFile(queue, segment, firstOffset, count, at);
    queue.blocks.push(block);
    segment.blocks.push(block);
    queue.startAt(Math.max(queue.maxOffset, firstOffset + count));
  }
  segment.keys.useFile(() => segment.indexFd, directory.keysAt, directory.keyCount);
  segment.sealed = true;
  return true;
}

/** The queue of a message that ends at `endOffset` in the log; undefined when its topic was deleted after that. */
export type QueueLookup = (topic: string, queueId: number, endOffset: number) => StoreQueue | undefined;

function readDirectory(file: string): Directory | undefined {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(file);
  } catch {
    return undefined;
  }
  if (bytes.length < HEADER_BYTES) return undefined;
  const header = new Int32Array(HEADER_WORDS);
  bytes.copy(Buffer.from(header.buffer), 0, 0, HEADER_BYTES);
  const [magic, version, at = 0, length = 0, checksum, ...unused] = header;
  if (magic !== MAGIC || version !== VERSION || unused.some((word) => word !== 0)) return undefined;
  if (at < HEADER_BYTES || length < 0 || at + length !== bytes.length) return undefined;
  if ((crc32(bytes.subarray(HEADER_BYTES)) | 0) !== checksum) return undefined;
  const directory = JSON.parse(bytes.toString('utf8', at)) as Directory;
  if (directory.keysAt + directory.keyCount * KEY_BYTES !== at) return undefined;
  const entries = directory.queues.reduce((sum, queue) => sum + queue[3], 0);
  return directory.keysAt === HEADER_BYTES + entries * ENTRY_BYTES ? directory : undefined;
}
