import {
  type commands,
  decodeOrderCounts,
  decodeReceiptHandle,
  decodeStartOffsets,
  decodeStoredMessages,
  encodeReceiptHandle,
  MessageProperty,
  type MessageQueue,
  messageQueueKey,
  popRealTopic,
  popRetryOfTopic,
  type ReceiptHandle,
  type StoredMessage,
  withoutNamespace,
} from '@dt/rocketmq-protocol';
import { decompressBody } from '../compression/index.ts';
import {
  type CachedMessage,
  cachedMessage,
  isPlain,
  type ReceivedMessage,
} from '../consumer/received-message.ts';
import { RocketMQError } from '../errors.ts';

/** A message that is kept from all others for a time, and the receipt for it. */
export interface PoppedMessage extends ReceivedMessage {
  /** What the broker knows it by. Another one after `changeInvisible`. */
  readonly receipt: string;
  /** Until when nobody else gets it, milliseconds since 1970 by this machine's clock. */
  readonly invisibleUntil: number;
}

/** A message with what only this package needs of it. */
export interface PoppedEntry extends CachedMessage {
  readonly message: PoppedMessage;
  /** Where it was read from, as brokers know it: for one that comes again a queue of the retry topic. */
  readonly queue: MessageQueue;
}

/** Its body is still as it was stored. */
export interface UnreadEntry {
  readonly entry: PoppedEntry;
  readonly stored: StoredMessage;
}

export interface PopAnswer {
  group: string;
  /** As brokers know it. */
  topic: string;
  namespace: string | undefined;
  brokerName: string;
  response: commands.PopMessageResponse;
  /** When the answer came, by this machine's clock. */
  receivedAt: number;
}

/**
 * Makes receipts as Java's client does: of what was not done in time the broker has written it already, of all else the
 * queue's start offset stands in the answer. Throws `bad-answer` for a message without either.
 */
export function poppedEntries(answer: PopAnswer): UnreadEntry[] {
  const { response } = answer;
  const starts = new Map(
    decodeStartOffsets(response.startOffsetInfo).map(({ retry, queueId, startOffset }) => [
      `${retry}@${queueId}`,
      startOffset,
    ]),
  );
  const counts = new Map(
    decodeOrderCounts(response.orderCountInfo).map(({ queueId, queueOffset, count }) => [
      countKey(queueId, queueOffset),
      count,
    ]),
  );
  return decodeStoredMessages(response.body).map((stored) => ({
    stored,
    entry: toEntry(answer, starts, counts, stored),
  }));
}

/** The message with the body that its producer gave it. */
export async function readBody({ entry, stored }: UnreadEntry): Promise<PoppedEntry> {
  if (isPlain(stored)) return entry;
  const { body, bodyError } = await decompressBody(stored);
  entry.message.body = body;
  return { ...entry, bodyError, sizeBytes: Math.max(entry.sizeBytes, body.length) };
}

/** In their order within a queue. */
export function byQueue(entries: readonly PoppedEntry[]): { queue: MessageQueue; entries: PoppedEntry[] }[] {
  const parts = new Map<string, { queue: MessageQueue; entries: PoppedEntry[] }>();
  for (const entry of entries) {
    const { queue } = entry;
    const key = messageQueueKey(queue);
    const part = parts.get(key);
    if (part === undefined) parts.set(key, { queue, entries: [entry] });
    else part.entries.push(entry);
  }
  return [...parts.values()];
}

function toEntry(
  answer: PopAnswer,
  starts: ReadonlyMap<string, number>,
  counts: ReadonlyMap<string, number>,
  stored: StoredMessage,
): PoppedEntry {
  const { group, topic, namespace, brokerName, response, receivedAt } = answer;
  const written = stored.properties[MessageProperty.POP_CK];
  const handle = written === undefined ? handleOf(answer, starts, stored) : decodeReceiptHandle(written);
  stored.properties[MessageProperty.FIRST_POP_TIME] ??= String(response.popTime);
  const queue = { topic: popRealTopic(topic, group, handle.retry), brokerName, queueId: handle.queueId };
  const cached = cachedMessage(stored, stored.body, undefined, queue, namespace);
  const popped: PoppedMessage = {
    ...cached.message,
    topic: withoutNamespace(topic, namespace),
    receipt: written ?? encodeReceiptHandle(handle),
    invisibleUntil: receivedAt + handle.invisibleTimeMs,
  };
  // What comes again in order comes from the queue itself, and the broker counts beside it.
  const count =
    counts.get(countKey(handle.queueId, handle.queueOffset)) ?? counts.get(countKey(handle.queueId)) ?? 0;
  if (count > 0) popped.reconsumeTimes = count;
  return { ...cached, message: popped, queue };
}

function countKey(queueId: number, queueOffset?: number): string {
  return `${queueId}@${queueOffset ?? ''}`;
}

function handleOf(
  { brokerName, response }: PopAnswer,
  starts: ReadonlyMap<string, number>,
  { topic, queueId, queueOffset }: StoredMessage,
): ReceiptHandle {
  const retry = popRetryOfTopic(topic);
  const startOffset = starts.get(`${retry}@${queueId}`);
  if (startOffset === undefined) {
    throw new RocketMQError(
      'bad-answer',
      `POP_MESSAGE of ${topic}: no start offset for queue ${queueId} of ${brokerName}`,
      { retryable: true },
    );
  }
  return {
    startOffset,
    popTime: response.popTime,
    invisibleTimeMs: response.invisibleTime,
    reviveQueueId: response.reviveQid,
    ...{ retry, brokerName, queueId, queueOffset },
  };
}
