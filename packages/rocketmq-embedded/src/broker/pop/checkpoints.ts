import {
  decodeStoredMessage,
  encodeProperties,
  MessageProperty,
  type StoredMessage,
} from '@dt/rocketmq-protocol';
import type { Logger } from '../../logger.ts';
import { encodeHost } from '../../server/index.ts';
import type { JsonFile, MessageStore, NewMessage } from '../../store/index.ts';
import {
  type Checkpoint,
  CHECKPOINT_TAG,
  type CheckpointId,
  checkpointKey,
  decodeCheckpoint,
  decodeDone,
  DONE_TAG,
  encodeCheckpoint,
  encodeDone,
  reviveAt,
} from './checkpoint.ts';

export const REVIVE_QUEUES = 8;
const BATCH = { maxCount: 256, maxBytes: 1024 * 1024, maxScan: 256 };
/** Check-points that are due within the same span are looked at together. */
const SLOT_MS = 100;

export interface CheckpointsOptions {
  store: MessageStore;
  file: JsonFile;
  reviveTopic: string;
  max: number;
  logger: Logger;
}

interface Pending {
  readonly checkpoint: Checkpoint;
  /** Where its note stands in its revive queue. */
  readonly offset: number;
}

/**
 * What was popped and is not done. The notes in the revive topic, one for each check-point and one for each
 * acknowledgement, say it all, so a crash forgets nothing: the saved progress only shortens the reading at the start.
 */
export class Checkpoints {
  readonly #options: CheckpointsOptions;
  /** By revive queue; oldest note first. */
  readonly #pending = Array.from({ length: REVIVE_QUEUES }, () => new Map<string, Pending>());
  /** Keys by the time they are due, in slots. */
  readonly #slots = new Map<number, Set<string>>();
  readonly #queueOfKey = new Map<string, number>();
  #progress: number[];
  #nextQueue = 0;
  /** Everything due before this slot was handed out. */
  #slot: number;

  private constructor(options: CheckpointsOptions) {
    this.#options = options;
    const { offsets = [] } = (options.file.load() ?? {}) as { offsets?: number[] };
    this.#progress = Array.from({ length: REVIVE_QUEUES }, (_, queueId) => offsets[queueId] ?? 0);
    this.#slot = slotOf(Date.now());
  }

  static async open(options: CheckpointsOptions): Promise<Checkpoints> {
    const checkpoints = new Checkpoints(options);
    await checkpoints.#recover();
    return checkpoints;
  }

  get isFull(): boolean {
    return this.#queueOfKey.size >= this.#options.max;
  }

  get count(): number {
    return this.#queueOfKey.size;
  }

  /** The revive queue of the next pop. */
  nextReviveQueue(): number {
    this.#nextQueue = (this.#nextQueue + 1) % REVIVE_QUEUES;
    return this.#nextQueue;
  }

  get(id: CheckpointId): Checkpoint | undefined {
    const key = checkpointKey(id);
    return this.#pending[this.#queueOfKey.get(key) ?? -1]?.get(key)?.checkpoint;
  }

  /** Resolves when a crash cannot forget it. */
  async add(checkpoint: Checkpoint): Promise<void> {
    const { store, reviveTopic } = this.#options;
    const message = note(checkpoint.reviveQueueId, CHECKPOINT_TAG, encodeCheckpoint(checkpoint));
    const { queueOffset } = store.append(reviveTopic, message);
    this.#put(checkpoint, queueOffset);
    await store.committed();
  }

  /** These messages are done. False when there is no such check-point any more, or they were done before. */
  async done(id: CheckpointId, offsets: readonly number[]): Promise<boolean> {
    const checkpoint = this.get(id);
    const open = checkpoint === undefined ? [] : offsets.filter((offset) => checkpoint.open.has(offset));
    if (checkpoint === undefined || open.length === 0) return false;
    this.close(checkpoint, open);
    await this.#options.store.committed();
    return true;
  }

  /** The same without waiting until it is stored. */
  close(checkpoint: Checkpoint, offsets: readonly number[]): void {
    const { store, reviveTopic } = this.#options;
    store.append(reviveTopic, note(checkpoint.reviveQueueId, DONE_TAG, encodeDone(checkpoint, offsets)));
    this.#closed(checkpoint, offsets);
  }

  /** Check-points whose time is over. They stay until closed; one that cannot be closed now is given back later. */
  due(now: number): Checkpoint[] {
    const end = slotOf(now);
    const due: Checkpoint[] = [];
    for (; this.#slot < end; this.#slot++) {
      for (const key of this.#slots.get(this.#slot) ?? []) {
        const pending = this.#pending[this.#queueOfKey.get(key) ?? -1]?.get(key);
        if (pending !== undefined) due.push(pending.checkpoint);
      }
      this.#slots.delete(this.#slot);
    }
    return due;
  }

  /** Tries this one again with the next round. */
  putOff(checkpoint: Checkpoint): void {
    if (this.get(checkpoint) !== undefined) this.#schedule(checkpointKey(checkpoint), this.#slot);
  }

  /** Physical offset that a start would have to read from. */
  pinnedOffset(): number {
    const { store, reviveTopic } = this.#options;
    let pinned = Number.POSITIVE_INFINITY;
    for (const [queueId, offset] of this.#progress.entries()) {
      const queue = store.queue(reviveTopic, queueId);
      if (queue === undefined || offset >= queue.maxOffset) continue;
      const block = queue.blocks[queue.blockIndex(Math.max(offset, queue.minOffset))];
      pinned = Math.min(pinned, block?.segment.baseOffset ?? pinned);
    }
    return pinned;
  }

  /** Notes how far everything is done. */
  async save(): Promise<void> {
    const { store, reviveTopic, file, logger } = this.#options;
    const offsets = this.#pending.map((pending, queueId) => {
      const [oldest] = pending.values();
      return oldest?.offset ?? store.maxOffset(reviveTopic, queueId);
    });
    if (offsets.every((offset, queueId) => offset === this.#progress[queueId])) return;
    try {
      // Notes that are not stored yet must not be passed by: without them their check-points still wait.
      await store.committed();
      await file.save({ offsets });
      this.#progress = offsets;
    } catch (error) {
      logger.error({ err: error }, 'rocketmq pop progress could not be saved');
    }
  }

  #put(checkpoint: Checkpoint, offset: number): void {
    const key = checkpointKey(checkpoint);
    this.#pending[checkpoint.reviveQueueId]?.set(key, { checkpoint, offset });
    this.#queueOfKey.set(key, checkpoint.reviveQueueId);
    this.#schedule(key, Math.max(this.#slot, slotOf(reviveAt(checkpoint))));
  }

  #schedule(key: string, slot: number): void {
    let keys = this.#slots.get(slot);
    if (keys === undefined) this.#slots.set(slot, (keys = new Set<string>()));
    keys.add(key);
  }

  #closed(checkpoint: Checkpoint, offsets: readonly number[]): void {
    for (const offset of offsets) checkpoint.open.delete(offset);
    if (checkpoint.open.size > 0) return;
    const key = checkpointKey(checkpoint);
    this.#pending[checkpoint.reviveQueueId]?.delete(key);
    this.#queueOfKey.delete(key);
    const slot = slotOf(reviveAt(checkpoint));
    const keys = this.#slots.get(slot);
    if (keys?.delete(key) === true && keys.size === 0) this.#slots.delete(slot);
  }

  async #recover(): Promise<void> {
    const { store, reviveTopic, logger } = this.#options;
    for (let queueId = 0; queueId < REVIVE_QUEUES; queueId++) {
      let offset = Math.max(this.#progress[queueId] ?? 0, store.minOffset(reviveTopic, queueId));
      for (;;) {
        const read = await store.read(reviveTopic, queueId, offset, BATCH);
        if (read.status !== 'FOUND') break;
        for (let at = 0; at < read.body.length;) {
          const message = decodeStoredMessage(read.body, at);
          this.#replay(message);
          at += message.sizeBytes;
        }
        offset = read.nextOffset;
      }
    }
    if (this.count > 0)
      logger.info({ count: this.count }, 'rocketmq popped messages wait for their receipts');
  }

  #replay({ queueId, queueOffset, properties, body }: StoredMessage): void {
    if (properties[MessageProperty.TAGS] === CHECKPOINT_TAG) {
      this.#put(decodeCheckpoint(body, queueId), queueOffset);
      return;
    }
    const { id, offsets } = decodeDone(body);
    const checkpoint = this.get(id);
    if (checkpoint !== undefined) this.#closed(checkpoint, offsets);
  }
}

/** The slot in whose round a moment is over. */
function slotOf(time: number): number {
  return Math.ceil(time / SLOT_MS);
}

function note(queueId: number, tag: string, body: Buffer): NewMessage {
  return {
    queueId,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: Date.now(),
    bornHost: encodeHost('127.0.0.1', 0),
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body,
    properties: encodeProperties({ [MessageProperty.TAGS]: tag }),
  };
}
