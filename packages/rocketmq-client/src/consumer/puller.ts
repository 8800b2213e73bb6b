import {
  commands,
  decodeStoredMessages,
  type MessageQueue,
  PullSysFlag,
  RequestCode,
  ResponseCode,
  type StoredMessage,
  type SubscriptionData,
} from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { errorOfResponse, messageOf, RocketMQError } from '../errors.ts';
import { type CachedMessage, toCachedMessages } from './received-message.ts';

export interface PullerOptions {
  /** Messages come without it. @default none */
  namespace?: string | undefined;
  group: string;
  pullBatchSize: number;
  longPollMs: number;
  pullTimeoutMs: number;
  /** Whether the broker is to take the subscription of the request, and not that of the heartbeats. @default false */
  ownSubscription?: boolean;
}

/**
 * `messages`: go on at nextOffset. `nothing`: no message for this subscription, go on at nextOffset.
 * `moved`: the offset asked for is not one of the queue: go on at nextOffset, whatever was known. `reset`: the same,
 * because somebody set the group to it.
 */
export interface Pulled {
  status: 'messages' | 'nothing' | 'moved' | 'reset';
  nextOffset: number;
  messages: CachedMessage[];
}

/** Asks one queue for messages and makes sense of the answer. */
export class Puller {
  readonly #client: ClientInstance;
  readonly #queue: MessageQueue;
  readonly #subscription: SubscriptionData;
  readonly #tags: ReadonlySet<string>;
  readonly #options: PullerOptions;
  /** The broker may send readers to a slave. */
  #brokerId = '0';

  constructor(
    client: ClientInstance,
    queue: MessageQueue,
    subscription: SubscriptionData,
    options: PullerOptions,
  ) {
    this.#client = client;
    this.#queue = queue;
    this.#subscription = subscription;
    this.#tags = new Set(subscription.tagsSet);
    this.#options = options;
  }

  async pull(offset: number, signal: AbortSignal): Promise<Pulled> {
    const address = await this.#address();
    const { group, pullBatchSize, longPollMs, pullTimeoutMs, ownSubscription = false } = this.#options;
    const request = commands.pullMessage.encodeRequest({
      consumerGroup: group,
      topic: this.#queue.topic,
      queueId: this.#queue.queueId,
      queueOffset: offset,
      maxMsgNums: pullBatchSize,
      // Progress is told by requests of its own that are answered, not on the side of a pull.
      sysFlag: PullSysFlag.SUSPEND | (ownSubscription ? PullSysFlag.SUBSCRIPTION : 0),
      commitOffset: 0,
      suspendTimeoutMillis: longPollMs,
      subVersion: this.#subscription.subVersion,
      subscription: this.#subscription.subString,
      expressionType: this.#subscription.expressionType,
    });
    const response = await this.#client.invoke(address, RequestCode.PULL_MESSAGE, request, {
      timeoutMs: pullTimeoutMs,
      signal,
    });
    switch (response.code) {
      case ResponseCode.SUCCESS:
      case ResponseCode.PULL_NOT_FOUND:
      case ResponseCode.PULL_RETRY_IMMEDIATELY:
      case ResponseCode.PULL_OFFSET_MOVED:
        return this.#decode(response.code, response, offset);
      default:
        throw errorOfResponse(response, 'PULL_MESSAGE', address);
    }
  }

  async #decode(
    code: number,
    response: { remark?: string | undefined; extFields: Record<string, string>; body: Buffer },
    offset: number,
  ): Promise<Pulled> {
    let nextOffset: number;
    let stored: StoredMessage[];
    try {
      const header = commands.pullMessage.decodeResponse(response);
      nextOffset = header.nextBeginOffset;
      this.#brokerId = String(header.suggestWhichBrokerId);
      stored = code === ResponseCode.SUCCESS ? decodeStoredMessages(response.body) : [];
      checkOffsets(stored, offset, nextOffset);
    } catch (error) {
      const text = `PULL_MESSAGE of ${this.#queue.topic}: ${messageOf(error)}`;
      throw new RocketMQError('bad-answer', text, { retryable: true, cause: error });
    }
    if (code === ResponseCode.PULL_OFFSET_MOVED) {
      const status = response.remark === 'OFFSET_RESET' ? 'reset' : 'moved';
      return { status, nextOffset, messages: [] };
    }
    // Brokers choose by the hash of the tag only; different tags can share one.
    const wanted = stored.filter(
      (message) => this.#tags.size === 0 || this.#tags.has(message.properties['TAGS'] ?? ''),
    );
    if (wanted.length === 0) return { status: 'nothing', nextOffset, messages: [] };
    const messages = await toCachedMessages(wanted, this.#queue, this.#options.namespace);
    // Those that were not read for their size are asked for again.
    return { status: 'messages', nextOffset: wanted[messages.length]?.queueOffset ?? nextOffset, messages };
  }

  async #address(): Promise<string> {
    const { topic, brokerName } = this.#queue;
    const addresses = (await this.#client.routes.get(topic)).brokers.get(brokerName)?.brokerAddrs ?? {};
    const address = addresses[this.#brokerId] ?? addresses['0'] ?? Object.values(addresses)[0];
    if (address !== undefined) return address;
    throw new RocketMQError('broker-not-found', `broker ${brokerName} of topic ${topic} is gone`, {
      retryable: true,
    });
  }
}

/** An answer that leads nowhere, or back to where it came from, would be asked for and handled again without end. */
function checkOffsets(stored: readonly StoredMessage[], offset: number, nextOffset: number): void {
  if (nextOffset < 0) throw new RangeError(`the next offset is ${nextOffset}`);
  let least = offset;
  for (const { queueOffset } of stored) {
    if (queueOffset < least || queueOffset >= nextOffset) {
      throw new RangeError(
        `a message at offset ${queueOffset}, expected from ${least} to below ${nextOffset}`,
      );
    }
    least = queueOffset + 1;
  }
}
