import {
  decodeStoredMessage,
  encodeProperties,
  MessageProperty,
  MessageSysFlag,
  ResponseCode,
  type StoredMessage,
} from '@dt/rocketmq-protocol';
import type { Logger } from '../logger.ts';
import { encodeHost, Refusal } from '../server/index.ts';
import type { Appended, JsonFile, MessageStore, NewMessage } from '../store/index.ts';
import { copyOf } from './delay-levels.ts';
import { HALF_TOPIC, OPERATION_HALF_TOPIC } from './system-topics.ts';

/** Tag of the note that a half message has ended, as real brokers write it. */
const ENDED_TAG = 'd';
const BATCH = { maxCount: 256, maxBytes: 1024 * 1024, maxScan: 256 };

/** The newest copy of a half message that has not ended. */
export interface PendingHalf {
  /** Offset of its first copy in the half topic: it stays the same over all copies. */
  readonly id: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
}

/** Where both topics have to be read from to know what is pending. */
interface Progress {
  half: number;
  operation: number;
}

export interface TransactionsOptions {
  store: MessageStore;
  file: JsonFile;
  maxPending: number;
  logger: Logger;
}

/**
 * Half messages wait in the half topic; a note in the operation topic says that one has ended. What is pending is
 * known from these two topics alone, so a crash forgets nothing: the saved progress only shortens the reading at the
 * start. The note follows the committed message in the log, so a crash between the two can deliver a message twice,
 * never lose it.
 */
export class Transactions {
  readonly #options: TransactionsOptions;
  readonly #pending = new Map<number, PendingHalf>();
  /** Ends of both topics at past checks: notes before `operation` are about copies before `half`. */
  #marks: Progress[] = [];
  #progress: Progress;

  private constructor(options: TransactionsOptions) {
    this.#options = options;
    const { half = 0, operation = 0 } = (options.file.load() ?? {}) as Partial<Progress>;
    this.#progress = { half, operation };
  }

  static async open(options: TransactionsOptions): Promise<Transactions> {
    const transactions = new Transactions(options);
    await transactions.#recover();
    return transactions;
  }

  get isFull(): boolean {
    return this.#pending.size >= this.#options.maxPending;
  }

  /** Oldest copy first. */
  pending(): PendingHalf[] {
    return [...this.#pending.values()].sort((a, b) => a.queueOffset - b.queueOffset);
  }

  isPending(id: number): boolean {
    return this.#pending.has(id);
  }

  /** Stores a half message; it can be ended when this resolves. */
  async prepare(message: NewMessage): Promise<Appended> {
    const appended = this.#options.store.append(HALF_TOPIC, { ...message, queueId: 0 });
    this.#add(appended.queueOffset, appended);
    await this.#options.store.committed();
    return appended;
  }

  /** Appends a half message again: from now on this copy stands for it. */
  async renew(half: PendingHalf, message: StoredMessage): Promise<Appended> {
    const properties = { ...message.properties };
    properties[MessageProperty.TRANSACTION_PREPARED_QUEUE_OFFSET] = String(half.id);
    const appended = this.#options.store.append(HALF_TOPIC, copyOf(message, 0, encodeProperties(properties)));
    this.#add(half.id, appended);
    await this.#options.store.committed();
    return appended;
  }

  /** Has a half message wait again with no question counted, whether it waits still or was given up. */
  async resume(message: StoredMessage): Promise<void> {
    const properties: Record<string, string> = {
      ...message.properties,
      [MessageProperty.TRANSACTION_CHECK_TIMES]: '0',
    };
    const half = message.topic === HALF_TOPIC ? this.#pending.get(idOf(message)) : undefined;
    if (half !== undefined) {
      await this.renew(half, { ...message, properties });
      return;
    }
    // It would name a copy that has ended.
    delete properties[MessageProperty.TRANSACTION_PREPARED_QUEUE_OFFSET];
    await this.prepare(copyOf(message, 0, encodeProperties(properties)));
  }

  /**
   * Ends a half message once: appends what comes of it, if anything does, and the note. Undefined when it has ended
   * before.
   */
  async end(
    id: number,
    outcome?: { topic: string; message: NewMessage },
  ): Promise<{ stored: Appended | undefined } | undefined> {
    const { store } = this.#options;
    const half = this.#pending.get(id);
    if (half === undefined) return undefined;
    const stored = outcome && store.append(outcome.topic, outcome.message);
    // From here on it is stored: a second request must not store it again, even if the note fails.
    this.#pending.delete(id);
    store.append(OPERATION_HALF_TOPIC, noteOf(id));
    await store.committed();
    return { stored };
  }

  /** The half message with this physical offset, whichever copy. */
  async halfAt(physicalOffset: number): Promise<{ id: number; message: StoredMessage } | undefined> {
    const stored = await this.#options.store.messageAt(physicalOffset);
    if (stored === undefined) return undefined;
    const message = decodeStoredMessage(stored);
    return message.topic === HALF_TOPIC ? { id: idOf(message), message } : undefined;
  }

  /** Physical offset that a start would have to read from. */
  pinnedOffset(): number {
    const queue = this.#options.store.queue(HALF_TOPIC, 0);
    if (queue === undefined || this.#progress.half >= queue.maxOffset) return Number.POSITIVE_INFINITY;
    const at = Math.max(this.#progress.half, queue.minOffset);
    return queue.blocks[queue.blockIndex(at)]?.segment.baseOffset ?? Number.POSITIVE_INFINITY;
  }

  /** Notes how far everything has ended. */
  async save(): Promise<void> {
    const { store, file, logger } = this.#options;
    const end = {
      half: store.maxOffset(HALF_TOPIC, 0),
      operation: store.maxOffset(OPERATION_HALF_TOPIC, 0),
    };
    // Copies that are not readable yet count as pending at the end.
    let oldest = end.half;
    for (const { queueOffset } of this.#pending.values()) oldest = Math.min(oldest, queueOffset);
    const last = this.#marks.at(-1);
    if (last?.half !== end.half || last.operation !== end.operation) this.#marks.push(end);
    let operation = this.#progress.operation;
    while (this.#marks[0] !== undefined && this.#marks[0].half <= oldest) {
      operation = this.#marks[0].operation;
      this.#marks.shift();
    }
    if (this.#progress.half === oldest && this.#progress.operation === operation) return;
    try {
      // Ends that are not stored yet must not be passed by: without them their half messages still wait.
      await store.committed();
      await file.save({ half: oldest, operation });
      this.#progress = { half: oldest, operation };
    } catch (error) {
      logger.error({ err: error }, 'rocketmq transaction progress could not be saved');
    }
  }

  #add(id: number, { queueOffset, physicalOffset }: Appended): void {
    this.#pending.set(id, { id, queueOffset, physicalOffset });
  }

  async #recover(): Promise<void> {
    const ended = new Set<number>();
    await this.#readAll(OPERATION_HALF_TOPIC, this.#progress.operation, (message) => {
      for (const id of message.body.toString().split(',')) ended.add(Number(id));
    });
    await this.#readAll(HALF_TOPIC, this.#progress.half, (message) => {
      const id = idOf(message);
      if (!ended.has(id)) this.#add(id, message);
    });
    if (this.#pending.size > 0)
      this.#options.logger.info({ count: this.#pending.size }, 'rocketmq half messages wait for their end');
  }

  async #readAll(topic: string, from: number, visit: (message: StoredMessage) => void): Promise<void> {
    const { store } = this.#options;
    let offset = Math.max(from, store.minOffset(topic, 0));
    for (;;) {
      const read = await store.read(topic, 0, offset, BATCH);
      if (read.status !== 'FOUND') return;
      for (let at = 0; at < read.body.length;) {
        const message = decodeStoredMessage(read.body, at);
        visit(message);
        at += message.sizeBytes;
      }
      offset = read.nextOffset;
    }
  }
}

export function tooManyHalves(): Refusal {
  return new Refusal(
    ResponseCode.SYSTEM_BUSY,
    'too many half messages wait for the end of their transactions',
  );
}

function idOf(message: StoredMessage): number {
  const first = message.properties[MessageProperty.TRANSACTION_PREPARED_QUEUE_OFFSET];
  return first === undefined ? message.queueOffset : Number(first);
}

function noteOf(id: number): NewMessage {
  return {
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: Date.now(),
    bornHost: encodeHost('127.0.0.1', 0),
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(String(id)),
    properties: encodeProperties({ [MessageProperty.TAGS]: ENDED_TAG }),
  };
}

/** Takes a message that is about to be stored for a half message of its topic and queue. */
export function asHalf(
  topic: string,
  queueId: number,
  sysFlag: number,
  properties: Record<string, string>,
): number {
  for (const name of [
    MessageProperty.DELAY,
    MessageProperty.TIMER_DELAY_SEC,
    MessageProperty.TIMER_DELAY_MS,
    MessageProperty.TIMER_DELIVER_MS,
    // Written by the broker alone: it would name another transaction.
    MessageProperty.TRANSACTION_PREPARED_QUEUE_OFFSET,
  ])
    delete properties[name];
  const uniqueKey = properties[MessageProperty.UNIQ_KEY];
  if (uniqueKey !== undefined) properties[MessageProperty.TRANSACTION_ID] = uniqueKey;
  properties[MessageProperty.REAL_TOPIC] = topic;
  properties[MessageProperty.REAL_QID] = String(queueId);
  return sysFlag & ~MessageSysFlag.TRANSACTION_ROLLBACK;
}
