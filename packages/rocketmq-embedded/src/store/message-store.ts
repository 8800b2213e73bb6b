import fs from 'node:fs';
import path from 'node:path';
import { EmbeddedError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { CommitLog, type Appended, type FlushMode } from './commit-log.ts';
import { DamageReport, type OnDamage } from './damage.ts';
import { readCached } from './file-io.ts';
import { JsonFile } from './json-file.ts';
import { LogCheck } from './log-check.ts';
import { indexedProperties, keyHash, topicKeySeed } from './message-keys.ts';
import { ENTRY_WORDS, StoreQueue, type QueueBlock } from './queue.ts';
import { readQueue, type ReadLimits, type ReadResult } from './reader.ts';
import {
  CHECKSUM_BYTES,
  isIntact,
  MIN_MESSAGE_BYTES,
  readStoreTimestamp,
  summarize,
  type NewMessage,
} from './record.ts';
import { recoverSegments } from './recovery.ts';
import type { Segment } from './segment.ts';

export interface MessageStoreOptions {
  /** Folder of the log; made when absent. The caller holds its lock. */
  folder: string;
  /** Address and port as messages carry them. */
  storeHost: Buffer;
  flush: FlushMode;
  segmentBytes: number;
  maxPendingBytes: number;
  /** Finished segments whose newest message is older are removed. */
  retentionMs: number;
  /** The oldest finished segments are removed while the log is larger. */
  maxLogBytes: number;
  /** What damage in the files does to the start. */
  onDamage: OnDamage;
  logger: Logger;
}

export type BoundaryType = 'LOWER' | 'UPPER';

export interface KeyQuery {
  topic: string;
  key: string;
  maxCount: number;
  beginTimestamp: number;
  endTimestamp: number;
  /** Look only for the message whose UNIQ_KEY this is. */
  unique: boolean;
}

/** Messages in files, found by queue offset, physical offset, store time and key. */
export class MessageStore {
  readonly #options: MessageStoreOptions;
  readonly #queues = new Map<string, Map<number, StoreQueue>>();
  readonly #floorsFile: JsonFile;
  readonly #deletedFile: JsonFile;
  /** Topic to the physical offset its deletion came at: what lies below belongs to no topic any more. */
  #deleted = new Map<string, number>();
  readonly #damage: DamageReport;
  #log: CommitLog | undefined;
  #check: LogCheck | undefined;
  #onReadable: (queue: StoreQueue, fromOffset: number) => void = () => undefined;
  /** Physical offset from which on nothing may be removed. */
  #pinned: () => number = () => Number.POSITIVE_INFINITY;

  private constructor(options: MessageStoreOptions) {
    const { folder, onDamage, logger } = options;
    this.#options = options;
    this.#damage = new DamageReport(onDamage, logger);
    this.#floorsFile = new JsonFile(path.join(folder, 'queue-offsets.json'), { onDamage, logger });
    this.#deletedFile = new JsonFile(path.join(folder, 'deleted-topics.json'), { onDamage, logger });
  }

  static async open(options: MessageStoreOptions): Promise<MessageStore> {
    fs.mkdirSync(options.folder, { recursive: true });
    const store = new MessageStore(options);
    store.#deleted = new Map(Object.entries((store.#deletedFile.load() ?? {}) as Record<string, number>));
    for (const [topic, floors] of Object.entries(
      (store.#floorsFile.load() ?? {}) as Record<string, Record<string, number>>,
    )) {
      for (const [queueId, offset] of Object.entries(floors))
        store.#floors.set(`${topic}@${queueId}`, offset);
    }
    const { segments, tookOffsets } = await recoverSegments({
      folder: options.folder,
      queueFor: (topic, queueId, endOffset) =>
        (store.#deleted.get(topic) ?? -1) >= endOffset ? undefined : store.#queueFor(topic, queueId),
      damage: store.#damage,
      logger: options.logger,
    });
    store.#applyFloors();
    if (tookOffsets) store.#saveFloors();
    store.#log = new CommitLog(
      {
        folder: options.folder,
        storeHost: options.storeHost,
        segmentBytes: options.segmentBytes,
        flush: options.flush,
        maxPendingBytes: options.maxPendingBytes,
        onReadable: (queue, fromOffset) => store.#onReadable(queue, fromOffset),
        onBackgroundError: (error) => options.logger.error({ err: error }, 'rocketmq store: writing failed'),
      },
      segments,
    );
    if (!store.#damage.refuses)
      store.#check = new LogCheck(
        segments.filter(({ sealed }) => sealed),
        store.#damage,
        options.logger,
      );
    return store;
  }

  readonly #floors = new Map<string, number>();

  /** Offsets of queues whose messages are all gone go on where they were. */
  #applyFloors(): void {
    for (const [key, offset] of this.#floors) {
      const at = key.lastIndexOf('@');
      const queue = this.#queueFor(key.slice(0, at), Number(key.slice(at + 1)));
      if (queue.maxOffset < offset) queue.startAt(offset);
    }
    this.#floors.clear();
  }

  get #commitLog(): CommitLog {
    if (this.#log === undefined) throw new EmbeddedError('closed', 'the store is not open');
    return this.#log;
  }

  get minPhysicalOffset(): number {
    return this.#commitLog.minOffset;
  }

  get maxPhysicalOffset(): number {
    return this.#commitLog.maxOffset;
  }

  /** Why the store takes no more messages; undefined while it does. */
  get failure(): EmbeddedError | undefined {
    return this.#commitLog.failure;
  }

  /** Resolves when everything that was there at the start is held against its checksum. */
  async checked(): Promise<void> {
    await this.#check?.done;
  }

  /** Called when messages of a queue became readable. */
  onReadable(listener: (queue: StoreQueue, fromOffset: number) => void): void {
    this.#onReadable = listener;
  }

  /** Retention keeps everything from the physical offset `pinned` returns. */
  pinFrom(pinned: () => number): void {
    this.#pinned = pinned;
  }

  /** Gives the message its place; see CommitLog.append. */
  append(topic: string, message: NewMessage): Appended {
    return this.#commitLog.append(this.#queueFor(topic, message.queueId), message);
  }

  /** Call right behind the appends it is meant for. */
  committed(): Promise<void> {
    return this.#commitLog.committed();
  }

  queue(topic: string, queueId: number): StoreQueue | undefined {
    return this.#queues.get(topic)?.get(queueId);
  }

  /** Topics with messages in the log, and how many queues they need at least. */
  topics(): Map<string, number> {
    const topics = new Map<string, number>();
    for (const [topic, queues] of this.#queues) {
      const used = [...queues.values()].filter((queue) => queue.blocks.length > 0);
      if (used.length > 0) topics.set(topic, Math.max(...used.map((queue) => queue.queueId)) + 1);
    }
    return topics;
  }

  minOffset(topic: string, queueId: number): number {
    return this.queue(topic, queueId)?.minOffset ?? 0;
  }

  maxOffset(topic: string, queueId: number): number {
    return this.queue(topic, queueId)?.maxOffset ?? 0;
  }

  read(topic: string, queueId: number, offset: number, limits: ReadLimits): Promise<ReadResult> {
    return readQueue(this.queue(topic, queueId), offset, limits, this.#damage);
  }

  /** The stored message that starts at this physical offset; undefined when none does. */
  async messageAt(physicalOffset: number): Promise<Buffer | undefined> {
    const segment = this.#segmentAt(physicalOffset);
    if (segment === undefined) return undefined;
    return segment.reading(async () => {
      const start = physicalOffset - segment.baseOffset - CHECKSUM_BYTES;
      const left = segment.sizeBytes - start;
      if (start < 0 || left < CHECKSUM_BYTES + MIN_MESSAGE_BYTES) return undefined;
      const head = Buffer.allocUnsafe(CHECKSUM_BYTES + 4);
      await readCached(segment.fd, head, head.length, start);
      const size = head.readInt32BE(CHECKSUM_BYTES);
      if (size < MIN_MESSAGE_BYTES || CHECKSUM_BYTES + size > left) return undefined;
      const record = Buffer.allocUnsafe(CHECKSUM_BYTES + size);
      await readCached(segment.fd, record, record.length, start);
      // An offset into the middle of a message does not pass this.
      return isIntact(record, 0, size) ? record.subarray(CHECKSUM_BYTES) : undefined;
    });
  }

  /** Store time of the message with this queue offset; undefined when it is not there, or damaged. */
  async storeTimestampAt(queue: StoreQueue, offset: number): Promise<number | undefined> {
    if (offset < queue.minOffset || offset >= queue.maxOffset) return undefined;
    const block = queue.blocks[queue.blockIndex(offset)];
    if (block === undefined || offset < block.firstOffset) return undefined;
    return this.#timestampIn(block, offset);
  }

  /**
   * LOWER: the first offset whose store time is at or after `timestamp`, the maximum offset when there is none.
   * UPPER: the last offset at or before it. 0 for an empty queue.
   */
  async offsetByTimestamp(
    topic: string,
    queueId: number,
    timestamp: number,
    boundary: BoundaryType,
  ): Promise<number> {
    const queue = this.queue(topic, queueId);
    if (queue === undefined || queue.maxOffset === 0) return 0;
    let low = queue.minOffset;
    let high = queue.maxOffset;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      // Damaged messages have no time: the next one that has speaks for them.
      let probe = this.#existingFrom(queue, middle);
      let stored: number | undefined;
      while (probe < high && (stored = await this.storeTimestampAt(queue, probe)) === undefined)
        probe = this.#existingFrom(queue, probe + 1);
      const before =
        stored !== undefined && (boundary === 'LOWER' ? stored < timestamp : stored <= timestamp);
      if (before) low = probe + 1;
      else high = middle;
    }
    return boundary === 'LOWER' ? low : Math.max(queue.minOffset, low - 1);
  }

  /** Newest first. */
  async byKey(query: KeyQuery): Promise<Buffer[]> {
    const hash = keyHash(topicKeySeed(query.topic), query.key);
    const deletedBelow = this.#deleted.get(query.topic) ?? -1;
    const messages: Buffer[] = [];
    for (const segment of [...this.#commitLog.segments].reverse()) {
      if (segment.lastTimestamp < query.beginTimestamp && segment.sizeBytes > 0) continue;
      const positions = await segment.reading(() => segment.keys.find(hash));
      for (const position of positions.reverse()) {
        if (messages.length >= query.maxCount) return messages;
        const physicalOffset = segment.baseOffset + position;
        if (physicalOffset < deletedBelow) continue;
        const message = await this.messageAt(physicalOffset);
        if (message !== undefined && matches(message, query)) messages.push(message);
      }
    }
    return messages;
  }

  /** Entries of a queue's index from an offset on, as far as they lie in one file. */
  async indexEntries(
    queue: StoreQueue,
    from: number,
    count: number,
  ): Promise<{ physicalOffset: number; sizeBytes: number; tagHash: number }[]> {
    const block = queue.blocks[queue.blockIndex(from)];
    if (block === undefined || from < block.firstOffset || from >= queue.maxOffset) return [];
    const available = Math.min(block.firstOffset + block.count, queue.maxOffset) - from;
    const words = await block.entries(from, Math.min(count, available));
    const base = block.segment.baseOffset;
    return Array.from({ length: words.length / ENTRY_WORDS }, (_, i) => ({
      physicalOffset: base + (words[i * ENTRY_WORDS] ?? 0),
      sizeBytes: words[i * ENTRY_WORDS + 1] ?? 0,
      tagHash: words[i * ENTRY_WORDS + 2] ?? 0,
    }));
  }

  /** Forgets the queues of a topic; a topic of that name starts at offset 0 again. */
  deleteTopic(topic: string): void {
    const queues = this.#queues.get(topic);
    if (queues === undefined) return;
    for (const [name, offset] of this.#deleted)
      if (offset <= this.minPhysicalOffset) this.#deleted.delete(name);
    this.#deleted.set(topic, this.#commitLog.assignedEnd);
    this.#queues.delete(topic);
    this.#deletedFile.saveNow(Object.fromEntries(this.#deleted));
    this.#saveFloors();
    for (const queue of queues.values()) for (const block of queue.blocks) block.dropped = true;
  }

  /** Bytes of all segments. */
  get logBytes(): number {
    return this.#commitLog.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  /** Store time of the newest message of the oldest segment, as an age of the log; 0 when empty. */
  get earliestTimestamp(): number {
    return this.#commitLog.segments[0]?.lastTimestamp ?? 0;
  }

  /** Removes old segments. Called now and then by the owner. */
  removeExpired(now = Date.now()): void {
    const log = this.#commitLog;
    const expired = (segment: Segment): boolean =>
      segment.lastTimestamp > 0 && now - segment.lastTimestamp > this.#options.retentionMs;
    const newest = log.segments.at(-1);
    if (
      newest !== undefined &&
      newest.sizeBytes > 0 &&
      newest.sizeBytes === newest.assignedBytes &&
      expired(newest)
    )
      log.roll();
    let bytes = this.logBytes;
    const doomed: Segment[] = [];
    const pinned = this.#pinned();
    for (const segment of log.segments) {
      if (!segment.sealed || segment.endOffset > pinned) break;
      if (!expired(segment) && bytes <= this.#options.maxLogBytes) break;
      doomed.push(segment);
      bytes -= segment.sizeBytes;
    }
    if (doomed.length === 0) return;
    this.#saveFloors();
    for (const segment of doomed) {
      log.segments.splice(log.segments.indexOf(segment), 1);
      for (const block of segment.blocks) {
        const at = block.queue.blocks.indexOf(block);
        if (at >= 0) block.queue.blocks.splice(at, 1);
        block.queue.window = undefined;
      }
      segment.remove();
      this.#options.logger.info(
        { file: segment.file, bytes: segment.sizeBytes },
        'rocketmq store: old segment removed',
      );
    }
  }

  async close(): Promise<void> {
    await this.#check?.close();
    await this.#log?.close();
  }

  #queueFor(topic: string, queueId: number): StoreQueue {
    let queues = this.#queues.get(topic);
    if (queues === undefined) this.#queues.set(topic, (queues = new Map<number, StoreQueue>()));
    let queue = queues.get(queueId);
    if (queue === undefined) queues.set(queueId, (queue = new StoreQueue(topic, queueId)));
    return queue;
  }

  #segmentAt(physicalOffset: number): Segment | undefined {
    return this.#commitLog.segments.findLast((segment) => segment.baseOffset <= physicalOffset);
  }

  #saveFloors(): void {
    const floors: Record<string, Record<string, number>> = {};
    for (const [topic, queues] of this.#queues) {
      const offsets = [...queues.values()].filter((queue) => queue.maxOffset > 0);
      if (offsets.length > 0)
        floors[topic] = Object.fromEntries(offsets.map((queue) => [queue.queueId, queue.maxOffset]));
    }
    this.#floorsFile.saveNow(floors);
  }

  /** The first offset from `offset` on that the index has a message for. */
  #existingFrom(queue: StoreQueue, offset: number): number {
    return Math.max(offset, queue.blocks[queue.blockIndex(offset)]?.firstOffset ?? queue.maxOffset);
  }

  async #timestampIn(block: QueueBlock, offset: number): Promise<number | undefined> {
    const { segment } = block;
    const position = await segment.reading(async () => (await block.entries(offset, 1))[0] ?? 0);
    const message = await this.messageAt(segment.baseOffset + position);
    return message && readStoreTimestamp(message, 0);
  }
}

function matches(message: Buffer, query: KeyQuery): boolean {
  const summary = summarize(message, 0);
  if (summary.topic !== query.topic) return false;
  if (summary.storeTimestamp < query.beginTimestamp || summary.storeTimestamp > query.endTimestamp)
    return false;
  const { keys, uniqueKey } = indexedProperties(summary.properties);
  if (uniqueKey === query.key) return true;
  return !query.unique && (keys?.split(' ').includes(query.key) ?? false);
}
