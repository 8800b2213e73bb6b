import { randomUUID } from 'node:crypto';
import {
  type CommandPayload,
  EMPTY_BODY,
  MessageProperty,
  type MessageQueue,
  type RemotingCommand,
  RequestCode,
} from '@dt/rocketmq-protocol';
import { SendError } from '../errors.ts';
import { onAbort } from '../timing/on-abort.ts';
import { AutoBatcher } from './auto-batcher.ts';
import { type BatchItem, BatchSender, type QueueGroup } from './batch-sender.ts';
import { BrokerLatency } from './broker-latency.ts';
import { compressBody, type EncodedMessage, isDelayed, type Message } from './message.ts';
import { type CheckedProducerOptions, checkProducerOptions, type ProducerOptions } from './options.ts';
import { type CallLimits, ProducerBase } from './producer-base.ts';
import { QueueSelector, type SelectQueue } from './queue-selector.ts';
import { asSendError, type SendOutcome, type SendResult } from './send-result.ts';
import { type RequestMessage, sendReply } from './reply-message.ts';
import { type Reply, Requests } from './requests.ts';
import { SendCall } from './send-call.ts';
import type { SendRequest } from './send-steps.ts';

export interface SendOptions {
  /** Gives up; whether the message was stored is then in `outcome` of the error. */
  signal?: AbortSignal;
  /** For one message with its wait for room and all its tries; of a batch for each request. @default sendTimeoutMs */
  timeoutMs?: number;
  /** Chooses the queue of each message; then its sharding key does not. @default by sharding key, or in turn */
  selectQueue?: SelectQueue;
}

/** A message of `sendBatch`. */
class IndexedItem implements BatchItem {
  readonly message: Message;
  readonly encoded: EncodedMessage;
  readonly #index: number;
  readonly #outcomes: (SendOutcome | undefined)[];

  constructor(
    message: Message,
    encoded: EncodedMessage,
    index: number,
    outcomes: (SendOutcome | undefined)[],
  ) {
    this.message = message;
    this.encoded = encoded;
    this.#index = index;
    this.#outcomes = outcomes;
  }

  sent(result: SendResult): void {
    this.#outcomes[this.#index] = { ok: true, result };
  }

  failed(error: SendError): void {
    this.#outcomes[this.#index] = { ok: false, error };
  }
}

const NO_OPTIONS: SendOptions = {};

/** Sends messages. Every failure is a SendError whose `outcome` tells what is known about the message. */
export class Producer extends ProducerBase<CheckedProducerOptions> {
  readonly #batches: BatchSender;
  /** Only with `lingerMs`. */
  readonly #batcher: AutoBatcher | undefined;
  readonly #requests: Requests;

  constructor(options: ProducerOptions) {
    const checked = checkProducerOptions(options);
    const selector = new QueueSelector(checked.avoidSlowBrokers ? new BrokerLatency() : undefined);
    super(checked, { selector, everyMaster: false });
    this.#requests = new Requests(checked.logger);
    this.#batches = new BatchSender(this.sender, checked, this.tracer);
    const { lingerMs } = checked;
    if (lingerMs !== undefined)
      this.#batcher = new AutoBatcher(this.sender, this.#batches, selector, { ...checked, lingerMs });
  }

  /**
   * Resolves when the broker has stored the message; with `lingerMs` it may have shared a request with others. Rejects
   * with SendError.
   */
  send(message: Message, options: SendOptions = NO_OPTIONS): Promise<SendResult> {
    return new Promise((resolve, reject) => {
      this.checkUsable();
      const limits = this.limits(options);
      const encoded = this.encoder.encode(message);
      const call = new SendCall(encoded, this.window, this.tracer, resolve, reject);
      const room = this.window.enter(1, encoded.body.length, limits);
      if (room === undefined) this.#begin(call, message, limits, options);
      else room.then(() => this.#begin(call, message, limits, options), reject);
    });
  }

  /**
   * Sends a message and resolves with the reply of a consumer that calls `reply` with it; `timeoutMs` is for both. Rejects
   * with SendError: `timeout` with outcome `unknown` when the message was stored but no reply came in time. Who waits
   * is known to this process only: a reply that comes later, or after a restart, is dropped.
   */
  async request(message: Message, options: SendOptions = NO_OPTIONS): Promise<Reply> {
    this.checkUsable();
    if (isDelayed(message)) throw new SendError('message-invalid', 'a request cannot be delayed');
    const limits = this.limits(options);
    const correlationId = randomUUID();
    const encoded = this.encoder.encode(message, {
      [MessageProperty.CORRELATION_ID]: correlationId,
      [MessageProperty.REPLY_TO_CLIENT]: this.clientId,
      [MessageProperty.TTL]: String(limits.timeoutMs),
    });
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(noReply(limits.timeoutMs)), limits.timeoutMs);
    const unlisten = onAbort(options.signal, () => deadline.abort(givenUp(options.signal)));
    const until = AbortSignal.any([deadline.signal, this.closing]);
    try {
      return await this.whenRoom(1, encoded.body.length, limits, () =>
        this.#requests.exchange(
          correlationId,
          () => this.#sendRequest(message, encoded, options, limits),
          until,
        ),
      );
    } catch (error) {
      throw asSendError(error);
    } finally {
      clearTimeout(timer);
      unlisten();
    }
  }

  /**
   * Answers a message that was sent with `request`, through the broker it came from. Rejects with SendError:
   * `message-invalid` when it waits for no reply, `broker-error` (response code 1) when its sender is gone.
   */
  async reply(
    message: RequestMessage,
    body: Buffer | string,
    options: Omit<SendOptions, 'selectQueue'> = NO_OPTIONS,
  ): Promise<void> {
    this.checkUsable();
    const limits = this.limits(options);
    try {
      await this.whenRoom(1, body.length, limits, () =>
        sendReply(this.client, this.options, message, body, limits),
      );
    } catch (error) {
      throw asSendError(error);
    }
  }

  /**
   * Resolves when the message is on its way to the broker, and waits for that while the broker takes in less than is
   * sent. There is no answer: a broker that refuses or loses the message does so in silence, and messages that follow
   * each other closely may be stored in another order. Rejects with SendError for what is known here: a message no
   * broker would take, no route, no connection, no room within the time.
   */
  async sendOneWay(message: Message, options: SendOptions = NO_OPTIONS): Promise<void> {
    this.checkUsable();
    const limits = this.limits(options);
    const encoded = this.encoder.encode(message);
    return this.whenRoom(1, encoded.body.length, limits, async () => {
      const queue = this.#hasOwnQueue(encoded, options)
        ? await this.#ownQueue(message, encoded, options)
        : undefined;
      await this.sender.sendOneWay(await this.#compressed(encoded, queue), limits);
    });
  }

  /**
   * Sends many messages with few requests and tells the outcome of each, in the order given. Messages go to the
   * queue of their sharding key; those without one share a queue. Within a queue the order is kept, one request
   * at a time, also between calls; queues run together. After a failure nothing more is sent to that queue in this call: the
   * rest of its messages end as `held-back`, so no message overtakes one before it.
   */
  async sendBatch(messages: readonly Message[], options: SendOptions = NO_OPTIONS): Promise<SendOutcome[]> {
    this.checkUsable();
    const limits = this.limits(options);
    const outcomes = new Array<SendOutcome | undefined>(messages.length);
    const byTopic = new Map<string, IndexedItem[]>();
    let bytes = 0;
    for (let index = 0; index < messages.length; index++) {
      try {
        const message = messages[index] as Message;
        const encoded = this.encoder.encode(message);
        const item = new IndexedItem(message, encoded, index, outcomes);
        bytes += encoded.body.length;
        const items = byTopic.get(encoded.topic);
        if (items === undefined) byTopic.set(encoded.topic, [item]);
        else items.push(item);
      } catch (error) {
        outcomes[index] = { ok: false, error: asSendError(error) };
      }
    }
    await this.whenRoom(messages.length, bytes, limits, () =>
      Promise.all([...byTopic].map(([topic, items]) => this.#sendTopic(topic, items, limits, options))),
    );
    return outcomes as SendOutcome[];
  }

  protected override async onRequest(request: RemotingCommand): Promise<CommandPayload | undefined> {
    if (request.code !== RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT) return undefined;
    await this.#requests.take(request);
    return { extFields: {}, body: EMPTY_BODY };
  }

  protected override drain(): void {
    this.#batcher?.drain();
  }

  #begin(call: SendCall, message: Message, limits: CallLimits, options: SendOptions): void {
    const { encoded } = call;
    if (!this.#hasOwnQueue(encoded, options)) this.#sendTo(undefined, call, limits);
    else
      this.#ownQueue(message, encoded, options).then(
        (queue) => this.#sendTo(queue, call, limits),
        (error: unknown) => call.failed(asSendError(error)),
      );
  }

  #sendTo(queue: MessageQueue | undefined, call: SendCall, limits: CallLimits): void {
    const { encoded } = call;
    if (this.#batcher !== undefined) this.#batcher.add(call, queue, limits);
    else if (encoded.body.length < this.options.compressFromBytes)
      this.sender.start(requestOf(encoded, queue, encoded.body, 0), limits, call);
    else
      this.#compressed(encoded, queue).then(
        (request) => this.sender.start(request, limits, call),
        (error: unknown) => call.failed(asSendError(error)),
      );
  }

  async #compressed(encoded: EncodedMessage, queue: MessageQueue | undefined): Promise<SendRequest> {
    const { body, sysFlag } = await compressBody(encoded.body, this.options.compressFromBytes);
    return requestOf(encoded, queue, body, sysFlag);
  }

  #hasOwnQueue(encoded: EncodedMessage, options: SendOptions): boolean {
    return encoded.shardingKey !== undefined || options.selectQueue !== undefined;
  }

  /** Chosen once: tries of such a message that moved to another queue could overtake or be overtaken. */
  async #ownQueue(message: Message, encoded: EncodedMessage, options: SendOptions): Promise<MessageQueue> {
    const { topic } = encoded;
    try {
      const route = this.sender.cachedRoute(topic) ?? (await this.sender.route(topic));
      const queue = this.#chosen(route.writableQueues, message, encoded, options);
      if (queue !== undefined) return queue;
    } catch (error) {
      throw asSendError(error);
    }
    throw noWritableQueue(topic);
  }

  #chosen(
    queues: readonly MessageQueue[],
    message: Message,
    { shardingKey = '' }: EncodedMessage,
    { selectQueue }: SendOptions,
  ): MessageQueue | undefined {
    return selectQueue === undefined
      ? this.selector.bySharding(queues, shardingKey)
      : this.selector.byFunction(queues, message, selectQueue);
  }

  /** Brokers hand replies to producers they know: they are told of this one before the first request. */
  async #sendRequest(
    message: Message,
    encoded: EncodedMessage,
    options: SendOptions,
    limits: CallLimits,
  ): Promise<void> {
    const known = this.sender.cachedRoute(encoded.topic) !== undefined;
    const queue = this.#hasOwnQueue(encoded, options)
      ? await this.#ownQueue(message, encoded, options)
      : undefined;
    if (!known) {
      await this.sender.route(encoded.topic);
      await this.client.heartbeat();
    }
    await this.sender.send(await this.#compressed(encoded, queue), limits);
  }

  async #sendTopic(
    topic: string,
    items: readonly IndexedItem[],
    limits: CallLimits,
    options: SendOptions,
  ): Promise<void> {
    let groups: QueueGroup[];
    try {
      const route = this.sender.cachedRoute(topic) ?? (await this.sender.route(topic));
      groups = this.#groupByQueue(route.writableQueues, topic, items, options);
    } catch (error) {
      const failure = asSendError(error);
      for (const item of items) item.failed(failure);
      return;
    }
    await Promise.all(groups.map((group) => this.#batches.send(group, () => limits, true)));
  }

  #groupByQueue(
    queues: readonly MessageQueue[],
    topic: string,
    items: readonly IndexedItem[],
    options: SendOptions,
  ): QueueGroup[] {
    const groups = new Map<MessageQueue, QueueGroup>();
    let turn: MessageQueue | undefined;
    for (const item of items) {
      const fixed = this.#hasOwnQueue(item.encoded, options);
      const queue = fixed
        ? this.#chosen(queues, item.message, item.encoded, options)
        : (turn ??= this.selector.roundRobin(queues));
      if (queue === undefined) throw noWritableQueue(topic);
      let group = groups.get(queue);
      if (group === undefined) groups.set(queue, (group = { queue, fixed: false, items: [] }));
      group.items.push(item);
      if (fixed) group.fixed = true;
    }
    return [...groups.values()];
  }
}

function requestOf(
  encoded: EncodedMessage,
  queue: MessageQueue | undefined,
  body: Buffer,
  sysFlag: number,
): SendRequest {
  const { topic, properties } = encoded;
  return { topic, queue, batch: false, messages: 1, body, properties, sysFlag };
}

function noReply(timeoutMs: number): SendError {
  return new SendError('timeout', `no reply within ${timeoutMs} ms`, { outcome: 'unknown' });
}

function givenUp(signal: AbortSignal | undefined): SendError {
  return new SendError('aborted', 'aborted by the caller', { outcome: 'unknown', cause: signal?.reason });
}

function noWritableQueue(topic: string): SendError {
  return new SendError('topic-not-found', `topic ${topic} has no writable queue`, { retryable: true });
}
