import {
  type commands,
  decodeStoredMessage,
  encodeProperties,
  MessageProperty,
  ResponseCode,
  type StoredMessage,
} from '@dt/rocketmq-protocol';
import type { Logger } from '../logger.ts';
import { Refusal } from '../server/index.ts';
import type { Appended, JsonFile, MessageStore, NewMessage } from '../store/index.ts';
import { copyOf } from './delay-levels.ts';
import { TIMER_TOPIC } from './system-topics.ts';
import { TimerCounts } from './timer-counts.ts';
import { TimerSlots, type WaitingTimer } from './timer-slots.ts';

const PRECISION_MS = 1000;
const MAX_DELAY_MS = 3 * 24 * 3_600_000;
const RETRY_MS = 1_000;
const SAVE_DELAY_MS = 500;
/** Messages read together. */
const READ_AT_ONCE = 64;
const BATCH = { maxCount: 256, maxBytes: 1024 * 1024, maxScan: 256 };
const { TIMER_DELAY_SEC, TIMER_DELAY_MS, TIMER_DELIVER_MS, TIMER_OUT_MS, TIMER_DEL_UNIQKEY } =
  MessageProperty;

/** What a start has to know: before `seen` everything is done that was due before `dueFrom`. */
interface Progress {
  dueFrom: number;
  seen: number;
  /** Where to read from. */
  oldest: number;
}

export interface TimersOptions {
  store: MessageStore;
  file: JsonFile;
  /** Messages that may wait. */
  maxWaiting: number;
  /** A message has come into its topic. */
  onDelivered: (topic: string, stored: Appended) => void;
  logger: Logger;
}

/**
 * Messages for a time of their own wait in the timer topic and are appended to their real topic when it has come: up to
 * a second early, for times are cut to seconds. What waits is known from that topic and the saved progress; a crash may
 * deliver the last ones twice, it never loses one.
 */
export class Timers {
  readonly #options: TimersOptions;
  readonly #slots = new TimerSlots();
  readonly counts = new TimerCounts();
  #progress: Progress;
  #wakeAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #saveTimer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  private constructor(options: TimersOptions) {
    this.#options = options;
    const { dueFrom = 0, seen = 0, oldest = 0 } = (options.file.load() ?? {}) as Partial<Progress>;
    this.#progress = { dueFrom, seen, oldest };
  }

  static async open(options: TimersOptions): Promise<Timers> {
    const timers = new Timers(options);
    await timers.#recover();
    return timers;
  }

  get count(): number {
    return this.#slots.count;
  }

  /**
   * Decides about a message that is about to be stored: the time it has to wait for, or undefined. Then its properties
   * name its real place. Throws the refusal of a real broker for a time that cannot be.
   */
  schedule(topic: string, queueId: number, properties: Record<string, string>): number | undefined {
    const names = [TIMER_DELAY_SEC, TIMER_DELAY_MS, TIMER_DELIVER_MS] as const;
    if (Number(properties[MessageProperty.DELAY] ?? 0) > 0) {
      for (const name of names) delete properties[name];
      return undefined;
    }
    const name = names.find((candidate) => properties[candidate] !== undefined);
    // Delivered once already: it waits no more.
    if (name === undefined || properties[TIMER_OUT_MS] !== undefined) return undefined;
    const now = Date.now();
    const deliverMs = deliveryTime(name, properties[name] ?? '', now);
    if (deliverMs <= now) {
      if (properties[TIMER_DEL_UNIQKEY] !== undefined) throw illegal();
      return undefined;
    }
    if (deliverMs - now > MAX_DELAY_MS) throw illegal();
    if (this.#slots.count >= this.#options.maxWaiting)
      throw new Refusal(
        ResponseCode.SYSTEM_ERROR,
        `timer message is under flow control, max num limit is ${this.#options.maxWaiting}`,
      );
    const dueMs = (Math.ceil(deliverMs / PRECISION_MS) - 1) * PRECISION_MS;
    properties[TIMER_OUT_MS] = String(dueMs);
    properties[MessageProperty.REAL_TOPIC] = topic;
    properties[MessageProperty.REAL_QID] = String(queueId);
    return dueMs;
  }

  /** Stores a message that has to wait; it will be delivered when this resolves, also after a crash. */
  async add(
    message: NewMessage,
    { topic, dueMs, takesBack }: { topic: string; dueMs: number; takesBack: boolean },
  ): Promise<Appended> {
    const { store } = this.#options;
    const appended = store.append(TIMER_TOPIC, { ...message, queueId: 0 });
    // Known before it is stored, or a save in between would call it done.
    this.#slots.add(dueMs, { ...appended, takesBack });
    this.counts.add(topic, takesBack ? -1 : 1);
    try {
      await store.committed();
    } catch (error) {
      this.#slots.remove(dueMs, appended.physicalOffset);
      this.counts.add(topic, takesBack ? 1 : -1);
      throw error;
    }
    this.#wakeBy(dueMs);
    return appended;
  }

  /** Physical offset of the oldest message that still waits. */
  pinnedOffset(): number {
    return this.#slots.lowest().physicalOffset;
  }

  /** How far everything is done. What waits is in no file of its own here, so there is no position in one. */
  get checkPoint(): commands.TimerCheckPoint {
    const nowMs = Date.now();
    const readMs = Math.min(this.#slots.earliest(), Math.floor(nowMs / PRECISION_MS) * PRECISION_MS);
    const queueOffset = this.#options.store.maxOffset(TIMER_TOPIC, 0);
    return {
      lastReadTimeMs: readMs,
      lastTimerLogFlushPosition: 0,
      lastTimerQueueOffset: queueOffset,
      masterTimerQueueOffset: queueOffset,
      dataVersion: { stateVersion: 0, timestamp: nowMs, counter: Math.floor(process.uptime()) },
    };
  }

  start(): void {
    this.#wakeBy(this.#slots.earliest());
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#saveTimer);
    await this.#running;
    await this.#save();
  }

  #wakeBy(dueMs: number): void {
    if (this.#closed || dueMs >= this.#wakeAt) return;
    clearTimeout(this.#timer);
    this.#wakeAt = dueMs;
    // No longer than messages may wait at all, which a timer of Node can.
    const waitMs = Math.min(Math.max(0, dueMs - Date.now()), MAX_DELAY_MS);
    this.#timer = setTimeout(() => this.#wake(), waitMs);
    this.#timer.unref();
  }

  #wake(): void {
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#running ??= this.#deliverDue()
      .then(
        () => this.#slots.earliest(),
        (error: unknown) => {
          this.#options.logger.warn({ err: error }, 'rocketmq timed delivery failed, trying again');
          return Date.now() + RETRY_MS;
        },
      )
      .then((next) => {
        this.#running = undefined;
        this.#wakeBy(next);
      });
  }

  async #deliverDue(): Promise<void> {
    for (const dueMs of this.#slots.due(Date.now())) {
      const timers = this.#slots.take(dueMs);
      let done = 0;
      try {
        // Some of them may still be on their way to the log.
        await this.#options.store.committed();
        const takenBack = await this.#takenBack(timers);
        for (; done < timers.length && !this.#closed; done += READ_AT_ONCE)
          await this.#deliver(timers.slice(done, done + READ_AT_ONCE), takenBack);
        await this.#options.store.committed();
      } finally {
        // What was appended before a failure is not appended again after it.
        for (const timer of timers.slice(done)) this.#slots.add(dueMs, timer);
        this.#saveSoon();
      }
      if (this.#closed) return;
    }
  }

  /** The unique keys of messages that others of the same time take back. */
  async #takenBack(timers: readonly WaitingTimer[]): Promise<ReadonlySet<string>> {
    const keys = new Set<string>();
    for (const timer of timers) {
      if (!timer.takesBack) continue;
      const key = (await this.#read(timer))?.properties[TIMER_DEL_UNIQKEY];
      if (key !== undefined) keys.add(key);
    }
    return keys;
  }

  async #deliver(timers: readonly WaitingTimer[], takenBack: ReadonlySet<string>): Promise<void> {
    const messages = await Promise.all(timers.map((timer) => this.#read(timer)));
    for (const [n, message] of messages.entries()) {
      const takesBack = timers[n]?.takesBack === true;
      const topic = message?.properties[MessageProperty.REAL_TOPIC];
      const queueId = Number(message?.properties[MessageProperty.REAL_QID]);
      if (message === undefined || topic === undefined || !Number.isInteger(queueId)) {
        this.#options.logger.error(
          { offset: message?.physicalOffset },
          'rocketmq timed message cannot be delivered: skipped',
        );
        continue;
      }
      this.counts.add(topic, takesBack ? 1 : -1);
      if (takesBack || takenBack.has(message.properties[MessageProperty.UNIQ_KEY] ?? '')) continue;
      this.#options.onDelivered(topic, this.#options.store.append(topic, delivered(message, queueId)));
    }
  }

  async #read(timer: WaitingTimer): Promise<StoredMessage | undefined> {
    const stored = await this.#options.store.messageAt(timer.physicalOffset);
    return stored && decodeStoredMessage(stored);
  }

  #saveSoon(): void {
    if (this.#saveTimer !== undefined || this.#closed) return;
    this.#saveTimer = setTimeout(() => {
      this.#saveTimer = undefined;
      // While messages are on their way nothing is known to be done; the next save comes with their end.
      if (this.#running === undefined) void this.#save();
      else this.#saveSoon();
    }, SAVE_DELAY_MS);
    this.#saveTimer.unref();
  }

  async #save(): Promise<void> {
    const { store, file, logger } = this.#options;
    const seen = store.maxOffset(TIMER_TOPIC, 0);
    const dueFrom = Math.min(this.#slots.earliest(), Number.MAX_SAFE_INTEGER);
    const oldest = Math.min(this.#slots.lowest().queueOffset, seen);
    const { dueFrom: before, seen: seenBefore } = this.#progress;
    if (dueFrom === before && seen === seenBefore) return;
    try {
      await file.save({ dueFrom, seen, oldest });
      this.#progress = { dueFrom, seen, oldest };
    } catch (error) {
      logger.error({ err: error }, 'rocketmq timer progress could not be saved');
    }
  }

  async #recover(): Promise<void> {
    const { store, logger } = this.#options;
    const { dueFrom, seen, oldest } = this.#progress;
    let offset = Math.max(oldest, store.minOffset(TIMER_TOPIC, 0));
    for (;;) {
      const read = await store.read(TIMER_TOPIC, 0, offset, BATCH);
      if (read.status !== 'FOUND') break;
      for (let at = 0; at < read.body.length;) {
        const message = decodeStoredMessage(read.body, at);
        const dueMs = Number(message.properties[TIMER_OUT_MS]);
        if (Number.isFinite(dueMs) && (message.queueOffset >= seen || dueMs >= dueFrom)) {
          const takesBack = message.properties[TIMER_DEL_UNIQKEY] !== undefined;
          this.#slots.add(dueMs, { ...message, takesBack });
          const topic = message.properties[MessageProperty.REAL_TOPIC];
          if (topic !== undefined) this.counts.add(topic, takesBack ? -1 : 1);
        }
        at += message.sizeBytes;
      }
      offset = read.nextOffset;
    }
    if (this.#slots.count > 0)
      logger.info({ count: this.#slots.count }, 'rocketmq messages wait for their time');
  }
}

function deliveryTime(name: string, text: string, now: number): number {
  if (!/^[+-]?\d{1,18}$/.test(text)) throw illegal();
  const value = Number(text);
  if (name === TIMER_DELIVER_MS) return value;
  return now + value * (name === TIMER_DELAY_SEC ? 1000 : 1);
}

function illegal(): Refusal {
  return new Refusal(
    ResponseCode.MESSAGE_ILLEGAL,
    `timer message illegal, the delay time should not be bigger than the max delay ${MAX_DELAY_MS}ms; ` +
      'or if set del msg, the delay time should be bigger than the current time',
  );
}

/** With the notes of a real broker on it. */
function delivered(message: StoredMessage, queueId: number): NewMessage {
  const properties = { ...message.properties };
  properties[MessageProperty.TIMER_ENQUEUE_MS] = String(
    Math.floor(message.storeTimestamp / PRECISION_MS) * PRECISION_MS,
  );
  properties[MessageProperty.TIMER_DEQUEUE_MS] = String(Date.now());
  return copyOf(message, queueId, encodeProperties(properties));
}
