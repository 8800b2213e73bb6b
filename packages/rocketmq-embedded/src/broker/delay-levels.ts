import {
  decodeStoredMessage,
  encodeProperties,
  MessageProperty,
  type StoredMessage,
} from '@dt/rocketmq-protocol';
import { EmbeddedError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { encodeHost } from '../server/index.ts';
import type { Appended, JsonFile, MessageStore, NewMessage } from '../store/index.ts';
import { SCHEDULE_TOPIC } from './system-topics.ts';

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Longest timer of Node; a later due time is looked at again then. */
const MAX_TIMER_MS = 2_000_000_000;
const RETRY_MS = 1_000;
const SAVE_DELAY_MS = 1_000;
/** Messages moved before the next look at what waits. */
const BATCH = { maxCount: 64, maxBytes: 1024 * 1024, maxScan: 64 };

/** `1s 5s 10s 30s 1m …`, level 1 first, to milliseconds. Throws option-invalid. */
export function parseDelayLevels(text: string): number[] {
  const levels = text
    .trim()
    .split(/\s+/)
    .map((word) => {
      const match = /^(\d+)(ms|s|m|h|d)$/.exec(word);
      const unit = match?.[2] === 'ms' ? 1 : UNITS[match?.[2] ?? ''];
      if (match === null || unit === undefined) return Number.NaN;
      return Number(match[1]) * unit;
    });
  if (levels.length > 18 || levels.some((level) => !Number.isSafeInteger(level))) {
    throw new EmbeddedError(
      'option-invalid',
      `messageDelayLevel: ${JSON.stringify(text)}, allowed are 1 to 18 times such as "1s 5s 1m 2h" (ms, s, m, h, d)`,
    );
  }
  return levels;
}

export interface DelayLevelsOptions {
  levels: readonly number[];
  store: MessageStore;
  file: JsonFile;
  /** A message has come into its topic. */
  onDelivered: (topic: string, stored: Appended) => void;
  logger: Logger;
}

/**
 * Messages with a delay level wait in the schedule topic, one queue a level, and are appended to their real topic
 * when their time has come. How far each level has come is saved shortly after every move: a crash may deliver the
 * last messages twice, it never loses one.
 */
export class DelayLevels {
  readonly #options: DelayLevelsOptions;
  readonly #offsets = new Map<number, number>();
  readonly #timers = new Map<number, NodeJS.Timeout>();
  readonly #running = new Map<number, Promise<void>>();
  #saveTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: DelayLevelsOptions) {
    this.#options = options;
    const { offsetTable = {} } = (options.file.load() ?? {}) as { offsetTable?: Record<string, number> };
    for (const [level, offset] of Object.entries(offsetTable)) this.#offsets.set(Number(level), offset);
  }

  get maxLevel(): number {
    return this.#options.levels.length;
  }

  /** Messages delivered and messages stored of a level, as a real broker reports them. */
  progress(level: number): { delivered: number; stored: number } {
    return {
      delivered: this.#offset(level),
      stored: this.#options.store.maxOffset(SCHEDULE_TOPIC, level - 1),
    };
  }

  /** Physical offset of the oldest message that still waits. */
  pinnedOffset(): number {
    let pinned = Number.POSITIVE_INFINITY;
    for (let level = 1; level <= this.maxLevel; level++) {
      const queue = this.#options.store.queue(SCHEDULE_TOPIC, level - 1);
      if (queue === undefined || this.#offset(level) >= queue.maxOffset) continue;
      const block = queue.blocks[queue.blockIndex(this.#offset(level))];
      if (block !== undefined) pinned = Math.min(pinned, block.segment.baseOffset);
    }
    return pinned;
  }

  start(): void {
    for (let level = 1; level <= this.maxLevel; level++) this.#wake(level);
  }

  /** A message of this level was stored. */
  arrived(level: number): void {
    if (!this.#timers.has(level)) this.#wake(level);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    clearTimeout(this.#saveTimer);
    await Promise.all(this.#running.values());
    await this.#save();
  }

  #offset(level: number): number {
    const { store } = this.#options;
    return Math.max(this.#offsets.get(level) ?? 0, store.minOffset(SCHEDULE_TOPIC, level - 1));
  }

  #wake(level: number): void {
    if (this.#closed || this.#running.has(level)) return;
    this.#timers.delete(level);
    const run = this.#deliverDue(level)
      .catch((error: unknown) => {
        this.#options.logger.warn({ level, err: error }, 'rocketmq delayed delivery failed, trying again');
        return RETRY_MS;
      })
      .then((waitMs) => {
        this.#running.delete(level);
        if (this.#closed) return;
        if (waitMs !== undefined) this.#wakeIn(level, waitMs);
        // Between the last look and now a message may have come.
        else if (this.#offset(level) < this.#options.store.maxOffset(SCHEDULE_TOPIC, level - 1))
          this.#wake(level);
      });
    this.#running.set(level, run);
  }

  #wakeIn(level: number, waitMs: number): void {
    const timer = setTimeout(() => this.#wake(level), Math.min(waitMs, MAX_TIMER_MS));
    timer.unref();
    this.#timers.set(level, timer);
  }

  /** Delivers what is due; returns how long the next message has to wait, undefined when none is left. */
  async #deliverDue(level: number): Promise<number | undefined> {
    const { store, levels } = this.#options;
    const delayMs = levels[level - 1] ?? 0;
    while (!this.#closed) {
      const offset = this.#offset(level);
      const read = await store.read(SCHEDULE_TOPIC, level - 1, offset, BATCH);
      if (read.status !== 'FOUND') {
        // Up to the end nothing is intact.
        if (read.nextOffset > offset) this.#offsets.set(level, read.nextOffset);
        return undefined;
      }
      let moved = 0;
      let waitMs: number | undefined;
      try {
        for (let at = 0; at < read.body.length;) {
          const message = decodeStoredMessage(read.body, at);
          const dueMs = Math.min(message.storeTimestamp, Date.now()) + delayMs - Date.now();
          if (dueMs > 0) {
            waitMs = dueMs;
            break;
          }
          this.#deliver(message);
          at += message.sizeBytes;
          moved = message.queueOffset + 1 - offset;
        }
      } finally {
        // What was appended before a failure is not appended again after it.
        if (moved > 0) {
          await store.committed();
          this.#offsets.set(level, offset + moved);
          this.#saveSoon();
        }
      }
      if (waitMs !== undefined) return waitMs;
    }
    return undefined;
  }

  #deliver(message: StoredMessage): void {
    const topic = message.properties[MessageProperty.REAL_TOPIC];
    const queueId = Number(message.properties[MessageProperty.REAL_QID]);
    if (topic === undefined || !Number.isInteger(queueId)) {
      this.#options.logger.error(
        { offset: message.physicalOffset },
        'rocketmq delayed message has no real topic: skipped',
      );
      return;
    }
    const { store, onDelivered } = this.#options;
    onDelivered(topic, store.append(topic, copyOf(message, queueId, encodeProperties(message.properties))));
  }

  #saveSoon(): void {
    if (this.#saveTimer !== undefined) return;
    this.#saveTimer = setTimeout(() => {
      this.#saveTimer = undefined;
      void this.#save();
    }, SAVE_DELAY_MS);
    this.#saveTimer.unref();
  }

  async #save(): Promise<void> {
    try {
      await this.#options.file.save({ offsetTable: Object.fromEntries(this.#offsets) });
    } catch (error) {
      this.#options.logger.error({ err: error }, 'rocketmq delay offsets could not be saved');
    }
  }
}

const MAX_RECONSUME_TIMES = 0x7fffffff;

/** A stored message on its way into another queue: everything of the producer stays. */
export function copyOf(
  message: StoredMessage,
  queueId: number,
  properties: string,
  reconsumeTimes = message.reconsumeTimes,
): NewMessage {
  return {
    queueId,
    flag: message.flag,
    sysFlag: message.sysFlag,
    bornTimestamp: message.bornTimestamp,
    bornHost: encodeHost(message.bornHost.ip, message.bornHost.port),
    // A producer may have sent it with the highest count there is.
    reconsumeTimes: Math.min(reconsumeTimes, MAX_RECONSUME_TIMES),
    preparedTransactionOffset: 0,
    body: message.body,
    properties,
  };
}

/** Where a message with these properties goes first: to the schedule topic when it has a delay level. */
export function placeDelayed(
  maxLevel: number,
  topic: string,
  queueId: number,
  properties: Record<string, string>,
): { topic: string; queueId: number } {
  const wanted = Number.parseInt(properties[MessageProperty.DELAY] ?? '0', 10);
  if (!(wanted > 0)) return { topic, queueId };
  const level = Math.min(wanted, maxLevel);
  if (level !== wanted) properties[MessageProperty.DELAY] = String(level);
  properties[MessageProperty.REAL_TOPIC] = topic;
  properties[MessageProperty.REAL_QID] = String(queueId);
  return { topic: SCHEDULE_TOPIC, queueId: level - 1 };
}
