import fs from 'node:fs';
import { EmbeddedError, systemCode } from '../errors.ts';
import { dataSync, syncFolder, writeCached } from './file-io.ts';
import { indexedProperties, keyHash } from './message-keys.ts';
import type { StoreQueue } from './queue.ts';
import { CHECKSUM_BYTES, messageBytes, writeRecord, type NewMessage } from './record.ts';
import { sealSegment } from './segment-index.ts';
import { Segment } from './segment.ts';

/** Size of the buffers that collect messages for one write. */
const BATCH_BYTES = 1024 * 1024;

export type FlushMode = 'sync' | 'async';

export interface CommitLogOptions {
  folder: string;
  storeHost: Buffer;
  segmentBytes: number;
  flush: FlushMode;
  maxPendingBytes: number;
  /** New messages of a queue can be read, from this offset on. */
  onReadable: (queue: StoreQueue, fromOffset: number) => void;
  onBackgroundError: (error: unknown) => void;
}

/** Where a message went. */
export interface Appended {
  physicalOffset: number;
  queueOffset: number;
  storeTimestamp: number;
  /** Of the stored message. */
  sizeBytes: number;
}

/** Messages that go to the disk in one write. */
interface Batch {
  segment: Segment;
  /** Position of the first byte in the segment. */
  position: number;
  buffer: Buffer;
  length: number;
  /** Messages per queue. */
  queues: Map<StoreQueue, number>;
  lastTimestamp: number;
  /** Made when somebody waits for it. */
  stored: Deferred | undefined;
}

class Deferred {
  resolve!: () => void;
  reject!: (error: Error) => void;
  readonly promise = new Promise<void>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/**
 * Appends messages to the newest segment. Everything that arrives while one write is under way goes into the next
 * write (group commit); nothing is readable or acknowledged before its write has come back, and with flush 'sync'
 * before fdatasync has.
 */
export class CommitLog {
  readonly #options: CommitLogOptions;
  /** Oldest first; the last one is written to. */
  readonly segments: Segment[];
  #pending: Batch[] = [];
  #writing: Batch[] = [];
  #pendingBytes = 0;
  #spare: Buffer[] = [];
  #running = false;
  #scheduled = false;
  #failure: EmbeddedError | undefined;
  #idle: (() => void)[] = [];
  #sealing: Promise<void> = Promise.resolve();

  /** `segments` as recovered: the last one is open for writing. */
  constructor(options: CommitLogOptions, segments: Segment[]) {
    this.#options = options;
    this.segments = segments;
  }

  get failure(): EmbeddedError | undefined {
    return this.#failure;
  }

  /** Physical offset behind everything appended so far. */
  get assignedEnd(): number {
    return this.#current.baseOffset + this.#current.assignedBytes;
  }

  get minOffset(): number {
    return this.segments[0]?.baseOffset ?? 0;
  }

  get maxOffset(): number {
    return this.#current.endOffset;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get #current(): Segment {
    const last = this.segments.at(-1);
    if (last === undefined) throw new EmbeddedError('closed', 'the log is closed');
    return last;
  }

  /**
   * Gives the message its place. It is on its way, not stored: await `committed()` before telling anyone.
   * Throws store-busy (too much waits for the disk), store-failed and message-illegal.
   */
  append(queue: StoreQueue, message: NewMessage): Appended {
    if (this.#failure !== undefined) throw this.#failure;
    const propertiesBytes = Buffer.byteLength(message.properties);
    const size = messageBytes(
      message,
      queue.topicBytes.length,
      propertiesBytes,
      this.#options.storeHost.length,
    );
    const recordBytes = CHECKSUM_BYTES + size;
    if (recordBytes > this.#options.segmentBytes || propertiesBytes > 0x7fff) {
      throw new EmbeddedError(
        'message-illegal',
        `message of ${size} bytes (properties ${propertiesBytes}) is too large`,
      );
    }
    if (this.#pendingBytes + recordBytes > this.#options.maxPendingBytes) {
      throw new EmbeddedError('store-busy', `${this.#pendingBytes} bytes wait for the disk`, {
        retryable: true,
      });
    }
    const batch = this.#batchFor(recordBytes);
    const { segment } = batch;
    const position = segment.assignedBytes + CHECKSUM_BYTES;
    const appended: Appended = {
      physicalOffset: segment.baseOffset + position,
      queueOffset: queue.assignedOffset,
      storeTimestamp: Date.now(),
      sizeBytes: size,
    };
    writeRecord(batch.buffer, batch.length, size, message, {
      topicBytes: queue.topicBytes,
      queueOffset: appended.queueOffset,
      physicalOffset: appended.physicalOffset,
      storeTimestamp: appended.storeTimestamp,
      storeHost: this.#options.storeHost,
    });
    indexMessage(segment, queue, position, size, message.properties);
    segment.assignedBytes += recordBytes;
    batch.length += recordBytes;
    batch.lastTimestamp = appended.storeTimestamp;
    batch.queues.set(queue, (batch.queues.get(queue) ?? 0) + 1);
    this.#pendingBytes += recordBytes;
    return appended;
  }

  /** Resolves when everything appended before this call is stored as the flush mode says. */
  committed(): Promise<void> {
    const batch = this.#pending.at(-1) ?? this.#writing.at(-1);
    if (batch === undefined) return Promise.resolve();
    return (batch.stored ??= new Deferred()).promise;
  }

  /** Starts a new segment, so that the present one can be removed when its time comes. */
  roll(): void {
    if (this.#current.assignedBytes > 0) this.#startSegment();
  }

  async close(): Promise<void> {
    this.#failure ??= new EmbeddedError('closed', 'the log is closed');
    this.#flushSoon();
    await this.#whenIdle();
    await this.#sealing;
    const newest = this.segments.findLast((segment) => segment.isOpen);
    if (newest !== undefined) await dataSync(newest.fd);
    for (const segment of this.segments) segment.close();
  }

  #whenIdle(): Promise<void> {
    if (!this.#running && !this.#scheduled) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #batchFor(recordBytes: number): Batch {
    let segment = this.#current;
    const full = segment.assignedBytes + recordBytes > this.#options.segmentBytes;
    if (full && segment.assignedBytes > 0) segment = this.#startSegment();
    const last = this.#pending.at(-1);
    if (last?.segment === segment && last.length + recordBytes <= last.buffer.length) return last;
    const batch: Batch = {
      segment,
      position: segment.assignedBytes,
      buffer: recordBytes > BATCH_BYTES ? Buffer.allocUnsafeSlow(recordBytes) : this.#takeBuffer(),
      length: 0,
      queues: new Map(),
      lastTimestamp: 0,
      stored: undefined,
    };
    this.#pending.push(batch);
    this.#flushSoon();
    return batch;
  }

  #takeBuffer(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
  }

  #startSegment(): Segment {
    const segment = new Segment(this.#options.folder, this.assignedEnd);
    this.segments.push(segment);
    return segment;
  }

  /** After the sockets of this turn have been read: their messages share one write. */
  #flushSoon(): void {
    if (this.#running || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let group = this.#nextGroup(); group.length > 0; group = this.#nextGroup()) {
      this.#writing = group;
      try {
        await this.#write(group);
      } catch (error) {
        this.#giveUp(group, error);
        continue;
      }
      for (const batch of group) this.#publish(batch);
    }
    this.#writing = [];
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** With fsync, all that waits for one segment shares it. */
  #nextGroup(): Batch[] {
    const segment = this.#pending[0]?.segment;
    let count = segment === undefined ? 0 : 1;
    if (this.#options.flush === 'sync') while (this.#pending[count]?.segment === segment && segment) count++;
    return this.#pending.splice(0, count);
  }

  async #write(group: Batch[]): Promise<void> {
    const segment = group[0]?.segment;
    if (segment === undefined) return;
    if (!segment.isOpen) await this.#openNext(segment);
    for (const batch of group) await writeCached(segment.fd, batch.buffer, batch.length, batch.position);
    if (this.#options.flush === 'sync') await dataSync(segment.fd);
  }

  /** A segment is begun only when the one before is safe on disk: after a power cut only the last may be torn. */
  async #openNext(segment: Segment): Promise<void> {
    const previous = this.segments[this.segments.indexOf(segment) - 1];
    if (previous?.isOpen === true) await dataSync(previous.fd);
    segment.create();
    syncFolder(this.#options.folder);
    if (previous !== undefined) {
      this.#sealing = this.#sealing.then(() => sealSegment(previous)).catch(this.#options.onBackgroundError);
    }
  }

  #publish(batch: Batch): void {
    const { segment } = batch;
    segment.sizeBytes = batch.position + batch.length;
    segment.lastTimestamp = batch.lastTimestamp;
    this.#pendingBytes -= batch.length;
    for (const [queue, count] of batch.queues) queue.maxOffset += count;
    batch.stored?.resolve();
    for (const [queue, count] of batch.queues) this.#tellReaders(queue, queue.maxOffset - count);
    if (batch.buffer.length === BATCH_BYTES && this.#spare.length < 4) this.#spare.push(batch.buffer);
  }

  #tellReaders(queue: StoreQueue, fromOffset: number): void {
    try {
      this.#options.onReadable(queue, fromOffset);
    } catch (error) {
      this.#options.onBackgroundError(error);
    }
  }

  /** A failed write takes everything behind it along: their offsets are given again. */
  #giveUp(group: Batch[], cause: unknown): void {
    const full = systemCode(cause) === 'ENOSPC' || systemCode(cause) === 'EDQUOT';
    const failure = full
      ? new EmbeddedError('store-full', 'the disk is full', { retryable: true, cause })
      : new EmbeddedError('store-failed', 'writing the log failed: no more messages until a restart', {
          cause,
        });
    // After any other error nobody knows what the disk holds.
    if (!full) this.#failure ??= failure;
    const lost = [...group, ...this.#pending.splice(0)];
    for (let last = this.segments.at(-1); last?.isOpen === false; last = this.segments.at(-1))
      this.segments.pop();
    const current = this.segments.at(-1);
    if (current !== undefined) {
      current.assignedBytes = current.sizeBytes;
      current.keys.rollBack(current.sizeBytes);
      try {
        fs.ftruncateSync(current.fd, current.sizeBytes);
      } catch (error) {
        this.#failure ??= new EmbeddedError('store-failed', 'cutting off a failed write failed', {
          cause: error,
        });
      }
    }
    for (const batch of lost) {
      this.#pendingBytes -= batch.length;
      for (const queue of batch.queues.keys()) queue.rollBack();
      batch.stored?.reject(failure);
    }
    this.#options.onBackgroundError(failure);
  }
}

/** Makes a message findable by its queue offset and its keys. */
export function indexMessage(
  segment: Segment,
  queue: StoreQueue,
  position: number,
  size: number,
  properties: string,
): void {
  const { tagHash, keys, uniqueKey } = indexedProperties(properties);
  queue.push(segment, position, size, tagHash);
  if (uniqueKey !== undefined) segment.keys.push(keyHash(queue.keySeed, uniqueKey), position);
  if (keys === undefined) return;
  if (!keys.includes(' ')) segment.keys.push(keyHash(queue.keySeed, keys), position);
  else
    for (const key of keys.split(' '))
      if (key !== '') segment.keys.push(keyHash(queue.keySeed, key), position);
}
