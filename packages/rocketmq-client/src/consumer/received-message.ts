import {
  bodyCompression,
  encodeOffsetMessageId,
  isRetryTopic,
  type MessageProperties,
  MessageProperty,
  type MessageQueue,
  type StoredMessage,
  withNamespace,
  withoutNamespace,
} from '@dt/rocketmq-protocol';
import { decompressBody, MAX_BODY_OUT_BYTES } from '../compression/index.ts';

/** A message handed to a handler. */
export interface ReceivedMessage {
  /** The topic it was sent to, also when it comes again through the group's retry topic. */
  topic: string;
  tag?: string;
  keys: string[];
  shardingKey?: string;
  properties: MessageProperties;
  /** Decompressed. */
  body: Buffer;
  /** The id its producer gave it (UNIQ_KEY), else the broker's. */
  messageId: string;
  offsetMessageId: string;
  /** Where it was read from: for a repeated delivery a queue of the retry topic. */
  queue: MessageQueue;
  queueOffset: number;
  /** Milliseconds since 1970 by the producer's clock. */
  bornTimestamp: number;
  /** Milliseconds since 1970 by the broker's clock. */
  storeTimestamp: number;
  /** Deliveries before this one that failed. */
  reconsumeTimes: number;
  /** From a pull consumer: why `body` is still as it was stored, because it could not be decompressed. */
  bodyError?: string;
}

/** A message with what only this package needs of it. */
export interface CachedMessage {
  readonly message: ReceivedMessage;
  readonly physicalOffset: number;
  readonly sizeBytes: number;
  /** Milliseconds since 1970 by our clock. */
  readonly arrivedAt: number;
  /** Why the body could not be decompressed: no handler sees such a message, it fails at once. */
  readonly bodyError: string | undefined;
}

/**
 * Those of an answer, in their order; only the first of them when their bodies become so large that all together would
 * take too much. With a namespace messages have their names without it.
 */
export async function toCachedMessages(
  stored: readonly StoredMessage[],
  queue: MessageQueue,
  namespace?: string,
): Promise<CachedMessage[]> {
  // A promise for each message costs as much as the message: most have a body that is ready.
  if (stored.every(isPlain))
    return stored.map((message) => cachedMessage(message, message.body, undefined, queue, namespace));
  const messages: CachedMessage[] = [];
  let bytes = 0;
  for (const message of stored) {
    if (bytes >= MAX_BODY_OUT_BYTES) break;
    const cached = await toCachedMessage(message, queue, namespace);
    messages.push(cached);
    bytes += cached.sizeBytes;
  }
  return messages;
}

export async function toCachedMessage(
  stored: StoredMessage,
  queue: MessageQueue,
  namespace?: string,
): Promise<CachedMessage> {
  const { body, bodyError } = await decompressBody(stored);
  return cachedMessage(stored, body, bodyError, queue, namespace);
}

/** Its body is as its producer gave it. */
export function isPlain({ sysFlag }: StoredMessage): boolean {
  return bodyCompression(sysFlag) === 'none';
}

/** With the body as it is given. */
export function cachedMessage(
  stored: StoredMessage,
  body: Buffer,
  bodyError: string | undefined,
  queue: MessageQueue,
  namespace: string | undefined,
): CachedMessage {
  const { properties } = stored;
  const offsetMessageId = encodeOffsetMessageId(stored);
  const topic = isRetryTopic(stored.topic)
    ? (properties[MessageProperty.RETRY_TOPIC] ?? stored.topic)
    : stored.topic;
  const message: ReceivedMessage = {
    topic: withoutNamespace(topic, namespace),
    keys: properties[MessageProperty.KEYS]?.split(' ').filter((key) => key !== '') ?? [],
    properties,
    body,
    messageId: properties[MessageProperty.UNIQ_KEY] ?? offsetMessageId,
    offsetMessageId,
    queue: namespace === undefined ? queue : queueWithoutNamespace(queue, namespace),
    queueOffset: stored.queueOffset,
    bornTimestamp: stored.bornTimestamp,
    storeTimestamp: stored.storeTimestamp,
    reconsumeTimes: stored.reconsumeTimes,
  };
  const tag = properties[MessageProperty.TAGS];
  if (tag !== undefined) message.tag = tag;
  const shardingKey = properties[MessageProperty.SHARDING_KEY];
  if (shardingKey !== undefined) message.shardingKey = shardingKey;
  return {
    message,
    physicalOffset: stored.physicalOffset,
    // What it takes here, and a small body can become a very large one.
    sizeBytes: Math.max(stored.sizeBytes, body.length),
    arrivedAt: Date.now(),
    bodyError,
  };
}

/** As brokers know it. */
export function queueWithNamespace(queue: MessageQueue, namespace: string | undefined): MessageQueue {
  return namespace === undefined ? queue : { ...queue, topic: withNamespace(queue.topic, namespace) };
}

export function queueWithoutNamespace(queue: MessageQueue, namespace: string | undefined): MessageQueue {
  return namespace === undefined ? queue : { ...queue, topic: withoutNamespace(queue.topic, namespace) };
}
