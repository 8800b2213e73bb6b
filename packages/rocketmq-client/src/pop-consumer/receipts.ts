import {
  commands,
  decodeReceiptHandle,
  encodeReceiptHandle,
  popRealTopic,
  type ReceiptHandle,
  withNamespace,
} from '@dt/rocketmq-protocol';
import type { ClientInstance, RequestOptions } from '../client/index.ts';
import { asRocketMQError, messageOf, RocketMQError } from '../errors.ts';
import { invalidOption } from '../options.ts';
import { backoffMs, pause } from '../timing/pause.ts';
import type { PoppedMessage } from './popped-message.ts';

/** Tries of an acknowledgement: the same one twice is no fault. */
const MAX_ATTEMPTS = 3;
const RETRY_PAUSE_MS = 100;

interface Held {
  message: PoppedMessage;
  /** As brokers know it. */
  topic: string;
  handle: ReceiptHandle;
}

/** Ends popped messages, or keeps them away for longer. */
export class Receipts {
  readonly #client: ClientInstance;
  readonly #group: string;
  readonly #namespace: string | undefined;
  readonly #closing: AbortSignal;

  constructor(
    client: ClientInstance,
    { group, namespace }: { group: string; namespace: string | undefined },
    closing: AbortSignal,
  ) {
    this.#client = client;
    this.#group = group;
    this.#namespace = namespace;
    this.#closing = closing;
  }

  /**
   * Acknowledges messages, those of one broker in one request. All are told to their brokers, whatever becomes of the
   * others.
   *
   * @throws RocketMQError the first failure; `receipt-expired` when the time of a message was over.
   */
  async ack(messages: readonly PoppedMessage[], options: RequestOptions = {}): Promise<void> {
    const byBroker = new Map<string, Held[]>();
    for (const message of messages) {
      const handle = handleOf(message);
      const topic = this.#topicOf(message);
      const held = byBroker.get(handle.brokerName) ?? [];
      byBroker.set(handle.brokerName, [...held, { message, topic, handle }]);
    }
    const expired = messages.filter(({ invisibleUntil }) => Date.now() >= invisibleUntil);
    const results = await Promise.allSettled(
      [...byBroker].map(([brokerName, held]) => this.#ackAtBroker(brokerName, held, options)),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    const [first] = expired;
    if (first !== undefined) throw expiredError(first, expired.length, messages.length);
  }

  /** Gives the message another receipt. Throws `receipt-expired` without asking when its time is over. */
  async changeInvisible(
    message: PoppedMessage,
    invisibleMs: number,
    options: RequestOptions = {},
  ): Promise<void> {
    const handle = handleOf(message);
    if (Date.now() >= message.invisibleUntil) throw expiredError(message, 1, 1);
    const address = await this.#addressOf(message, handle);
    const response = await this.#client.request(
      address,
      commands.changeMessageInvisibleTime,
      { ...this.#place({ message, handle, topic: this.#topicOf(message) }), invisibleTime: invisibleMs },
      options,
    );
    const { popTime = handle.popTime, invisibleTime = invisibleMs } = response;
    const changed = message as { -readonly [Key in keyof PoppedMessage]: PoppedMessage[Key] };
    changed.receipt = encodeReceiptHandle({
      ...handle,
      startOffset: handle.queueOffset,
      popTime,
      invisibleTimeMs: invisibleTime,
      reviveQueueId: response.reviveQid ?? handle.reviveQueueId,
    });
    changed.invisibleUntil = Date.now() + invisibleMs;
  }

  /** Puts a message into the group's dead letter topic. It still has to be acknowledged. */
  async toDeadLetters({ message, physicalOffset }: DeadLetter): Promise<void> {
    const address = await this.#addressOf(message, handleOf(message));
    await this.#client.request(address, commands.consumerSendMessageBack, {
      offset: physicalOffset,
      group: this.#group,
      // Below 0: no further delivery.
      delayLevel: -1,
      originMsgId: message.messageId,
      originTopic: this.#topicOf(message),
      unitMode: false,
    });
  }

  async #ackAtBroker(brokerName: string, held: readonly Held[], options: RequestOptions): Promise<void> {
    const [first] = held;
    if (first === undefined) return;
    await this.#again(options, async () => {
      const address = await this.#addressOf(first.message, first.handle);
      if (held.length === 1) {
        await this.#client.request(address, commands.ackMessage, this.#place(first), options);
      } else {
        const acks = batchAcks(this.#group, held);
        await this.#client.request(address, commands.batchAckMessage, { brokerName, acks }, options);
      }
    });
  }

  async #again(options: RequestOptions, task: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await task();
      } catch (error) {
        const isLast = attempt >= MAX_ATTEMPTS || options.signal?.aborted === true || this.#closing.aborted;
        if (isLast || !asRocketMQError(error).retryable) throw error;
        await pause(backoffMs(attempt + 1, RETRY_PAUSE_MS, 4 * RETRY_PAUSE_MS), this.#closing);
      }
    }
  }

  #addressOf(message: PoppedMessage, { brokerName }: ReceiptHandle): Promise<string> {
    return this.#client.masterOf(this.#topicOf(message), brokerName);
  }

  #topicOf({ topic }: PoppedMessage): string {
    return withNamespace(topic, this.#namespace);
  }

  #place({ message, topic, handle }: Held): commands.AckMessageRequest {
    return {
      consumerGroup: this.#group,
      topic: popRealTopic(topic, this.#group, handle.retry),
      queueId: handle.queueId,
      extraInfo: message.receipt,
      offset: handle.queueOffset,
    };
  }
}

export interface DeadLetter {
  message: PoppedMessage;
  physicalOffset: number;
}

/** One entry for the messages of one pop of one queue. */
function batchAcks(group: string, held: readonly Held[]): commands.BatchAck[] {
  const acks = new Map<string, commands.BatchAck>();
  for (const { topic, handle } of held) {
    const { retry, startOffset, queueId, reviveQueueId, popTime, invisibleTimeMs, queueOffset } = handle;
    const key = [topic, retry, queueId, startOffset, popTime, reviveQueueId].join(' ');
    const ack = acks.get(key) ?? {
      ...{ consumerGroup: group, topic, retry, startOffset, queueId, reviveQueueId },
      ...{ popTime, invisibleTimeMs, offsets: [] },
    };
    ack.offsets.push(queueOffset - startOffset);
    acks.set(key, ack);
  }
  return [...acks.values()];
}

function handleOf(message: PoppedMessage): ReceiptHandle {
  try {
    return decodeReceiptHandle(message.receipt);
  } catch (error) {
    throw invalidOption('message.receipt', message.receipt, `expected that of a pop: ${messageOf(error)}`);
  }
}

function expiredError(message: PoppedMessage, expired: number, all: number): RocketMQError {
  const others = all > 1 ? ` (${expired} of ${all})` : '';
  const text = `the time of message ${message.messageId} of ${message.topic} is over${others}: it may come again`;
  return new RocketMQError('receipt-expired', text, { outcome: 'unknown' });
}
