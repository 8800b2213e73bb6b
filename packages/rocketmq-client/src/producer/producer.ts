import { encodeBatchBody, type MessageQueue, messageQueueKey, ResponseCode } from '@dt/rocketmq-protocol';
import { ClientInstance, messageIds } from '../client/index.ts';
import { SendError } from '../errors.ts';
import { integer } from '../options.ts';
import { planRequests } from './batch-plan.ts';
import { KeyedLanes } from './keyed-lanes.ts';
import { compressBody, encodeMessage, type EncodedMessage, type Message } from './message.ts';
import { type CheckedProducerOptions, checkProducerOptions, type ProducerOptions } from './options.ts';
import { ProducerLife } from './producer-life.ts';
import { QueueSelector } from './queue-selector.ts';
import { asSendError, type SendOutcome, type SendResult } from './send-result.ts';
import { Sender, type SendRequest, type Sent } from './sender.ts';

export interface SendOptions {
  /** Gives up; whether the message was stored is then in `outcome` of the error. */
  signal?: AbortSignal;
  /** For one message with all its tries; of a batch for each request. @default sendTimeoutMs */
  timeoutMs?: number;
}

/** A message of a batch on its way. */
interface BatchItem {
  index: number;
  encoded: EncodedMessage;
}

interface QueueGroup {
  queue: MessageQueue;
  /** Keyed messages may go nowhere else. */
  fixed: boolean;
  items: BatchItem[];
}

/** Sends messages. Every failure is a SendError whose `outcome` tells what is known about the message. */
export class Producer {
  readonly #options: CheckedProducerOptions;
  readonly #client: ClientInstance;
  readonly #selector = new QueueSelector();
  readonly #sender: Sender;
  readonly #lanes = new KeyedLanes();
  readonly #life: ProducerLife;
  readonly #nextMessageId: () => string;

  constructor(options: ProducerOptions) {
    this.#options = checkProducerOptions(options);
    const membership = { producerGroups: [this.#options.group], consumers: [] };
    this.#client = new ClientInstance({ ...this.#options, membership });
    this.#life = new ProducerLife(this.#client, this.#options);
    this.#sender = new Sender(this.#client, this.#selector, this.#options, this.#life.closing);
    this.#nextMessageId = messageIds();
  }

  get clientId(): string {
    return this.#client.clientId;
  }

  /** Fails with `name-server-unreachable` when no NameServer answers; it may then be called again. */
  start(): Promise<void> {
    return this.#life.start();
  }

  /** Resolves when the broker has stored the message. Rejects with SendError. */
  send(message: Message, options: SendOptions = {}): Promise<SendResult> {
    return this.#life.run(() => this.#send(message, options));
  }

  /**
   * Resolves when the message is on its way to the broker, and waits for that while the broker takes in less than is
   * sent. There is no answer: a broker that refuses or loses the message does so in silence, and messages that follow
   * each other closely may be stored in another order. Rejects with SendError for what is known here: a message no
   * broker would take, no route, no connection, no room within the time.
   */
  sendOneWay(message: Message, options: SendOptions = {}): Promise<void> {
    return this.#life.run(() => this.#sendOneWay(message, options));
  }

  /**
   * Sends many messages with few requests and tells the outcome of each, in the order given. Messages go to the
   * queue of their sharding key; those without one share a queue. Within a queue the order is kept, one request
   * at a time, also between calls; queues run together. After a failure nothing more is sent to that queue in this call: the
   * rest of its messages end as `held-back`, so no message overtakes one before it.
   */
  sendBatch(messages: readonly Message[], options: SendOptions = {}): Promise<SendOutcome[]> {
    return this.#life.run(() => this.#sendBatch(messages, options));
  }

  /** Waits for sends under way, at most `closeTimeoutMs`; then rejects what is left. */
  close(): Promise<void> {
    return this.#life.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #timeoutMs(options: SendOptions): number {
    return integer('timeoutMs', options.timeoutMs, this.#options.sendTimeoutMs, 1, 0x7fffffff);
  }

  async #send(message: Message, options: SendOptions): Promise<SendResult> {
    const timeoutMs = this.#timeoutMs(options);
    const encoded = encodeMessage(message, this.#nextMessageId());
    const request = await this.#single(encoded);
    const sent = await this.#sender.send(request, { timeoutMs, signal: options.signal });
    return resultOf(sent, encoded, 0);
  }

  async #sendOneWay(message: Message, options: SendOptions): Promise<void> {
    const timeoutMs = this.#timeoutMs(options);
    const request = await this.#single(encodeMessage(message, this.#nextMessageId()));
    await this.#sender.sendOneWay(request, { timeoutMs, signal: options.signal });
  }

  async #single(encoded: EncodedMessage): Promise<SendRequest> {
    const queue = encoded.shardingKey === undefined ? undefined : await this.#shardQueue(encoded);
    const { body, sysFlag } =
      encoded.body.length >= this.#options.compressFromBytes
        ? await compressBody(encoded.body)
        : { body: encoded.body, sysFlag: 0 };
    const { topic, properties } = encoded;
    return { topic, queue, batch: false, messages: 1, body, properties, sysFlag };
  }

  /** Chosen once: tries of a keyed message that moved to another queue could overtake or be overtaken. */
  async #shardQueue({ topic, shardingKey = '' }: EncodedMessage): Promise<MessageQueue> {
    try {
      const route = await this.#sender.route(topic);
      const queue = this.#selector.bySharding(route.writableQueues, shardingKey);
      if (queue !== undefined) return queue;
    } catch (error) {
      throw asSendError(error);
    }
    throw new SendError('topic-not-found', `topic ${topic} has no writable queue`, { retryable: true });
  }

  async #sendBatch(messages: readonly Message[], options: SendOptions): Promise<SendOutcome[]> {
    const timeoutMs = this.#timeoutMs(options);
    const outcomes = new Array<SendOutcome | undefined>(messages.length);
    const byTopic = new Map<string, BatchItem[]>();
    for (const [index, message] of messages.entries()) {
      try {
        const encoded = encodeMessage(message, this.#nextMessageId());
        const items = byTopic.get(encoded.topic);
        if (items === undefined) byTopic.set(encoded.topic, [{ index, encoded }]);
        else items.push({ index, encoded });
      } catch (error) {
        outcomes[index] = { ok: false, error: asSendError(error) };
      }
    }
    const settle = (item: BatchItem, outcome: SendOutcome): void => {
      outcomes[item.index] = outcome;
    };
    const limits = { timeoutMs, signal: options.signal };
    await Promise.all([...byTopic].map(([topic, items]) => this.#sendTopic(topic, items, limits, settle)));
    return outcomes as SendOutcome[];
  }

  async #sendTopic(
    topic: string,
    items: BatchItem[],
    limits: { timeoutMs: number; signal: AbortSignal | undefined },
    settle: (item: BatchItem, outcome: SendOutcome) => void,
  ): Promise<void> {
    let groups: QueueGroup[];
    try {
      groups = this.#groupByQueue((await this.#sender.route(topic)).writableQueues, topic, items);
    } catch (error) {
      for (const item of items) settle(item, { ok: false, error: asSendError(error) });
      return;
    }
    await Promise.all(
      groups.map((group) =>
        this.#lanes.run(messageQueueKey(group.queue), () => this.#sendGroup(group, limits, settle)),
      ),
    );
  }

  #groupByQueue(queues: readonly MessageQueue[], topic: string, items: BatchItem[]): QueueGroup[] {
    const groups = new Map<MessageQueue, QueueGroup>();
    let turn: MessageQueue | undefined;
    for (const item of items) {
      const { shardingKey } = item.encoded;
      const queue =
        shardingKey === undefined
          ? (turn ??= this.#selector.roundRobin(queues))
          : this.#selector.bySharding(queues, shardingKey);
      if (queue === undefined) {
        throw new SendError('topic-not-found', `topic ${topic} has no writable queue`, { retryable: true });
      }
      let group = groups.get(queue);
      if (group === undefined) groups.set(queue, (group = { queue, fixed: false, items: [] }));
      group.items.push(item);
      if (shardingKey !== undefined) group.fixed = true;
    }
    return [...groups.values()];
  }

  async #sendGroup(
    group: QueueGroup,
    limits: { timeoutMs: number; signal: AbortSignal | undefined },
    settle: (item: BatchItem, outcome: SendOutcome) => void,
  ): Promise<void> {
    let failed: SendError | undefined;
    const requests = planRequests(group.items, this.#options);
    for (let items = requests.shift(); items !== undefined; items = requests.shift()) {
      if (failed !== undefined) {
        const text = `not sent, because a message before it in queue ${group.queue.queueId} failed: ${failed.message}`;
        const error = new SendError('held-back', text, { retryable: true, cause: failed });
        for (const item of items) settle(item, { ok: false, error });
        continue;
      }
      try {
        const sent = await this.#sendItems(group, items, limits);
        for (const [n, item] of items.entries())
          settle(item, { ok: true, result: resultOf(sent, item.encoded, n) });
      } catch (error) {
        const failure = asSendError(error);
        if (items.length > 1 && isIllegal(failure)) {
          // The batch is too large for this broker, or one message in it is at fault: the others must not share
          // its fate. Nothing was stored, so the order stays.
          const middle = Math.ceil(items.length / 2);
          requests.unshift(items.slice(0, middle), items.slice(middle));
          continue;
        }
        failed = failure;
        for (const item of items) settle(item, { ok: false, error: failed });
      }
    }
  }

  #sendItems(
    group: QueueGroup,
    items: BatchItem[],
    limits: { timeoutMs: number; signal: AbortSignal | undefined },
  ): Promise<Sent> {
    const { topic } = group.queue;
    const queue = group.fixed ? group.queue : undefined;
    const [first] = items;
    if (items.length === 1 && first !== undefined) {
      const { body, properties } = first.encoded;
      return this.#sender.send({ topic, queue, batch: false, messages: 1, body, properties }, limits);
    }
    // No properties of the batch itself: the broker would append them to every message, and UNIQ_KEY among them
    // would replace the ids of all.
    const body = encodeBatchBody(items.map((item) => item.encoded));
    return this.#sender.send({ topic, queue, batch: true, messages: items.length, body }, limits);
  }
}

/** The broker will never take it, and has stored nothing of it. */
function isIllegal(error: SendError): boolean {
  return error.responseCode === ResponseCode.MESSAGE_ILLEGAL && error.outcome === 'rejected';
}

function resultOf(sent: Sent, encoded: EncodedMessage, position: number): SendResult {
  return {
    status: sent.status,
    messageId: encoded.messageId,
    offsetMessageId: sent.offsetMessageIds[position] ?? '',
    queue: sent.queue,
    queueOffset: sent.queueOffset + position,
  };
}
