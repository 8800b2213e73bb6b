import {
  commands,
  createRequest,
  encodeOffsetMessageId,
  encodeProperties,
  encodeStoredMessage,
  MessageProperty,
  RequestCode,
  type StoredMessage,
} from '@dt/rocketmq-protocol';
import type { Logger } from '../logger.ts';
import type { Connection } from '../server/index.ts';
import type { Appended } from '../store/index.ts';
import type { ClientRegistry } from './client-registry.ts';
import { copyOf } from './delay-levels.ts';
import { CHECK_MAX_TIME_TOPIC, HALF_TOPIC } from './system-topics.ts';
import type { TopicTable } from './topic-table.ts';
import type { PendingHalf, Transactions } from './transactions.ts';

export interface TransactionChecksOptions {
  transactions: Transactions;
  clients: ClientRegistry;
  topics: TopicTable;
  brokerName: string;
  /** Age from which a half message is asked about. */
  timeOutMs: number;
  /** Questions before a half message is given up. */
  max: number;
  logger: Logger;
}

/**
 * Asks producers how the transactions of half messages ended that nobody has ended. A half message is appended again
 * before each question, with the count of them, so a restart goes on counting. Rounds count also while no producer
 * of the group is there to be asked.
 */
export class TransactionChecks {
  readonly #options: TransactionChecksOptions;
  #running: Promise<void> | undefined;
  #closed = false;
  #turn = 0;

  constructor(options: TransactionChecksOptions) {
    this.#options = options;
  }

  /** How long the producer alone may end it: at least the time-out, longer when the message says so. */
  immunityMsOf(message: StoredMessage): number {
    const own = Number(message.properties[MessageProperty.CHECK_IMMUNITY_TIME_IN_SECONDS]);
    return Math.max(this.#options.timeOutMs, Number.isFinite(own) ? own * 1000 : 0);
  }

  /** One round over everything that is pending. A round that still runs is waited for instead. */
  run(): Promise<void> {
    this.#running ??= this.#round().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.catch(() => undefined);
    await this.#options.transactions.save();
  }

  async #round(): Promise<void> {
    const { transactions } = this.#options;
    for (const half of transactions.pending()) {
      if (this.#closed) return;
      await this.#check(half);
    }
    await transactions.save();
  }

  async #check(half: PendingHalf): Promise<void> {
    const { transactions, max } = this.#options;
    const message = (await transactions.halfAt(half.physicalOffset))?.message;
    if (message === undefined) return;
    const ageMs = Date.now() - message.bornTimestamp;
    // Born in the future: a clock is wrong, and waiting for it could take for ever.
    if (ageMs >= 0 && ageMs <= this.immunityMsOf(message)) return;
    const { properties } = message;
    const times = Number(properties[MessageProperty.TRANSACTION_CHECK_TIMES] ?? 0);
    if (times >= max) return this.#giveUp(half, message);
    properties[MessageProperty.TRANSACTION_CHECK_TIMES] = String(times + 1);
    // Its end may have come while it was read.
    if (!transactions.isPending(half.id)) return;
    this.#ask(message, await transactions.renew(half, message));
  }

  async #giveUp(half: PendingHalf, message: StoredMessage): Promise<void> {
    const { transactions, topics, logger } = this.#options;
    topics.createOwn(CHECK_MAX_TIME_TOPIC, 1);
    const kept = copyOf(message, 0, encodeProperties(message.properties));
    const ended = await transactions.end(half.id, { topic: CHECK_MAX_TIME_TOPIC, message: kept });
    if (ended !== undefined)
      logger.warn(
        { messageId: message.properties[MessageProperty.UNIQ_KEY], topic: CHECK_MAX_TIME_TOPIC },
        'rocketmq half message given up: no producer said how its transaction ended',
      );
  }

  #ask(message: StoredMessage, copy: Appended): void {
    const { brokerName, logger } = this.#options;
    const { properties, storeHost } = message;
    const group = properties[MessageProperty.PRODUCER_GROUP] ?? '';
    const producer = this.#producerOf(group);
    if (producer === undefined) {
      logger.debug({ group }, 'rocketmq half message: no producer of its group is connected');
      return;
    }
    const { queueOffset, physicalOffset } = copy;
    const messageId = properties[MessageProperty.UNIQ_KEY];
    const payload = commands.checkTransactionState.encodeRequest({
      topic: HALF_TOPIC,
      tranStateTableOffset: queueOffset,
      commitLogOffset: physicalOffset,
      msgId: messageId,
      transactionId: messageId,
      offsetMsgId: encodeOffsetMessageId({ storeHost, physicalOffset }),
      brokerName,
      body: encodeStoredMessage({
        ...message,
        topic: properties[MessageProperty.REAL_TOPIC] ?? HALF_TOPIC,
        queueId: Number(properties[MessageProperty.REAL_QID] ?? 0),
        queueOffset,
        physicalOffset,
      }),
    });
    producer.send(
      createRequest(RequestCode.CHECK_TRANSACTION_STATE, payload, {
        opaque: producer.takeOpaque(),
        oneway: true,
      }),
    );
  }

  /** The members of a group in turn. */
  #producerOf(group: string): Connection | undefined {
    const members = [...(this.#options.clients.producerGroup(group)?.keys() ?? [])];
    return members[this.#turn++ % Math.max(1, members.length)];
  }
}
