import {
  type CommandPayload,
  commands,
  EMPTY_BODY,
  type MessageQueue,
  type RemotingCommand,
  RequestCode,
  type SubscriptionData,
} from '@dt/rocketmq-protocol';
import { ClientInstance, type RequestOptions } from '../client/index.ts';
import type { Cached } from '../consumer/consumer-meter.ts';
import { cachedOf, ConsumerTelemetry } from '../consumer/consumer-telemetry.ts';
import { consumeFromWhere, joinGroup } from '../consumer/join-group.ts';
import { subscriptionData } from '../consumer/subscription.ts';
import { messageOf, RocketMQError } from '../errors.ts';
import { integer, invalidOption } from '../options.ts';
import { ClosingTime } from '../timing/closing-time.ts';
import { endsWithin } from '../timing/pause.ts';
import {
  checkInvisibleMs,
  type CheckedPopConsumerOptions,
  checkPopConsumerOptions,
  type PopConsumerOptions,
} from './options.ts';
import { PopHandling } from './pop-handling.ts';
import { PopSources } from './pop-sources.ts';
import { byQueue, type PoppedEntry, type PoppedMessage } from './popped-message.ts';
import { Receipts } from './receipts.ts';

export interface PopOptions {
  /** @default batchSize */
  maxMessages?: number;
  /** How long to wait for the first message; 0 does not wait. @default pollMs */
  waitMs?: number;
  signal?: AbortSignal;
}

const LONGEST_WAIT_MS = 12 * 3_600_000;
const NEVER = new AbortController().signal;

/**
 * Takes messages out of topics one by one, for brokers from 5.0 on: any member of the group may get any message, none
 * owns a queue, and the broker keeps what is popped from the others until it is acknowledged or its time is over.
 * Delivery is at least once, and in no order but with `order`.
 */
export class PopConsumer {
  readonly #options: CheckedPopConsumerOptions;
  readonly #client: ClientInstance;
  readonly #subscriptions: ReadonlyMap<string, SubscriptionData>;
  readonly #sources: PopSources;
  readonly #receipts: Receipts;
  readonly #handling: PopHandling | undefined;
  readonly #telemetry: ConsumerTelemetry;
  readonly #closing = new AbortController();
  /** Calls of the application that `close` waits for. */
  readonly #calls = new Set<Promise<unknown>>();
  #isStarted = false;
  #starting: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  constructor(options: PopConsumerOptions) {
    this.#options = checkPopConsumerOptions(options);
    const { group, from, subscriptions, handler } = this.#options;
    const subVersion = Date.now();
    this.#subscriptions = new Map(
      subscriptions.map((subscription) => [subscription.topic, subscriptionData(subscription, subVersion)]),
    );
    this.#client = new ClientInstance({
      ...this.#options,
      membership: {
        producerGroups: [],
        consumers: [
          {
            groupName: group,
            consumeType: 'CONSUME_POP',
            messageModel: 'CLUSTERING',
            consumeFromWhere: consumeFromWhere(from),
            unitMode: false,
            subscriptions: [...this.#subscriptions.values()],
          },
        ],
      },
      onRequest: (request) => this.#onRequest(request),
    });
    const closing = this.#closing.signal;
    this.#receipts = new Receipts(this.#client, this.#options, closing);
    this.#telemetry = new ConsumerTelemetry(this.#client, this.#options, (topic) =>
      cachedOf(this.#held, topic),
    );
    this.#sources = new PopSources(this.#client, [...this.#subscriptions.values()], this.#options, closing, {
      onUnwanted: (unwanted) => this.#drop(unwanted),
      onArrival: (topic) => this.#telemetry.meter?.holds(topic),
    });
    this.#handling =
      handler === undefined
        ? undefined
        : new PopHandling(
            { ...this.#options, handler },
            {
              take: (options) => this.#sources.take(options),
              receipts: this.#receipts,
              telemetry: this.#telemetry,
            },
          );
  }

  get clientId(): string {
    return this.#client.clientId;
  }

  /**
   * Resolves when the brokers know this client; with a handler messages come from now on. Fails with
   * `name-server-unreachable`, `access-denied`, `tls-failed`, and `broker-error` when a broker cannot filter by an
   * SQL92 subscription; it may then be called again. A topic that does not exist yet is waited for.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /**
   * Messages as soon as there are any, none when the time is over. Each is acknowledged with `ack` within `invisibleMs`,
   * or comes again. With several brokers or topics a message that comes while nobody waits is kept here for the next
   * call, and its time goes on meanwhile.
   *
   * @throws RocketMQError `aborted` by the signal, `closed`, and the failure of the brokers when all of them fail.
   */
  async pop(options: PopOptions = {}): Promise<PoppedMessage[]> {
    const { batchSize, pollMs } = this.#options;
    if (this.#handling !== undefined)
      throw invalidOption('pop', 'pop', 'expected a consumer without a handler');
    const maxMessages = integer('maxMessages', options.maxMessages, batchSize, 1, 32);
    const waitMs = integer('waitMs', options.waitMs, pollMs, 0, LONGEST_WAIT_MS);
    this.#assertUsable();
    const signal = options.signal ?? NEVER;
    for (const deadline = Date.now() + waitMs; ;) {
      const leftMs = Math.max(0, deadline - Date.now());
      const entries = await this.#sources.take({ maxMessages, waitMs: leftMs, signal });
      const readable = entries.filter((entry) => this.#isReadable(entry));
      for (const part of byQueue(readable)) this.#telemetry.handedOver(part.queue, part.entries);
      if (readable.length > 0 || entries.length === 0) return readable.map(({ message }) => message);
    }
  }

  /**
   * Every message, one at a time, until the consumer is closed; each is acknowledged with `ack`. A message whose time
   * went by before its turn is left out: it comes again.
   */
  async *messages({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<PoppedMessage, void, void> {
    for (;;) {
      let messages: PoppedMessage[];
      try {
        messages = await this.pop(signal === undefined ? {} : { signal });
      } catch (error) {
        if (this.#ending !== undefined) return;
        throw error;
      }
      for (const message of messages) if (Date.now() < message.invisibleUntil) yield message;
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<PoppedMessage, void, void> {
    return this.messages();
  }

  /**
   * These messages are done: they do not come again. Those of one broker go in one request; a lost answer is asked for
   * again.
   *
   * @throws RocketMQError `receipt-expired` when the time of a message was over: it may come again, or has; others of the
   * same call are acknowledged. Else the failure of a broker: its messages may come again.
   */
  async ack(what: PoppedMessage | readonly PoppedMessage[], options: RequestOptions = {}): Promise<void> {
    this.#assertUsable();
    const messages = 'receipt' in what ? [what] : what;
    await this.#tracked(this.#receipts.ack(messages, options));
  }

  /**
   * Keeps a message from the others for so long from now on; a short time gives it back. Its `receipt` and
   * `invisibleUntil` change: an acknowledgement needs the new one.
   *
   * @throws RocketMQError `receipt-expired` when its time is over, else the failure of the broker.
   */
  async changeInvisible(
    message: PoppedMessage,
    invisibleMs: number,
    options: RequestOptions = {},
  ): Promise<void> {
    this.#assertUsable();
    checkInvisibleMs(invisibleMs);
    await this.#tracked(this.#receipts.changeInvisible(message, invisibleMs, options));
  }

  /**
   * Ends what waits with `closed`, lets handlers and acknowledgements end, leaves the group; at most `closeTimeoutMs`.
   * Messages that were popped and not acknowledged come again when their time is over.
   */
  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(): Promise<void> {
    if (this.#ending !== undefined) throw new RocketMQError('closed', 'the consumer is closed');
    await this.#client.start();
    await joinGroup(this.#client, this.#options.group, this.#subscriptions, this.#options.logger);
    if (this.#closing.signal.aborted) throw new RocketMQError('closed', 'the consumer is closed');
    this.#isStarted = true;
    this.#handling?.start();
  }

  async #close(): Promise<void> {
    const { closeTimeoutMs, requestTimeoutMs } = this.#options;
    const time = new ClosingTime(closeTimeoutMs, requestTimeoutMs);
    await this.#handling?.close(time.settleMs);
    await endsWithin(Promise.allSettled(this.#calls), time.settleMs);
    this.#closing.abort();
    await this.#telemetry.close(time.leaveMs / 2);
    await this.#client.close(time.leaveMs);
    await endsWithin(this.#sources.idle(), time.leaveMs);
    for (const topic of this.#subscriptions.keys()) this.#telemetry.meter?.holds(topic);
  }

  get #held(): { queue: MessageQueue; cached: Cached }[] {
    return [...this.#sources.ready, ...(this.#handling?.running ?? [])].map(({ queue, sizeBytes }) => ({
      queue,
      cached: { messages: 1, bytes: sizeBytes },
    }));
  }

  #assertUsable(): void {
    if (this.#ending !== undefined) throw new RocketMQError('closed', 'the consumer is closed');
    if (!this.#isStarted) throw new RocketMQError('not-started', 'the consumer is not started');
  }

  async #tracked<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Nobody can read it now; another client of the group, or this one after an update, may be able to. */
  #isReadable({ message, bodyError }: PoppedEntry): boolean {
    if (bodyError === undefined) return true;
    const { messageId, topic } = message;
    this.#options.logger.warn('a message cannot be read and comes again', {
      messageId,
      topic,
      error: bodyError,
    });
    return false;
  }

  /** Messages of another tag with the same hash: the group does not want them, so they are done. */
  #drop(unwanted: readonly PoppedEntry[]): void {
    this.#receipts.ack(unwanted.map(({ message }) => message)).catch((error: unknown) => {
      this.#options.logger.warn('messages of other tags come again', { error: messageOf(error) });
    });
  }

  async #onRequest(request: RemotingCommand): Promise<CommandPayload | undefined> {
    if (request.code !== RequestCode.NOTIFY_CONSUMER_IDS_CHANGED) return undefined;
    // Nobody owns a queue: members may come and go.
    commands.notifyConsumerIdsChanged.decodeRequest(request);
    return { extFields: {}, body: EMPTY_BODY };
  }
}
