import {
  type commands,
  decodeReceiptHandle,
  decodeStartOffsets,
  decodeStoredMessages,
  encodeReceiptHandle,
  MessageProperty,
  popRealTopic,
  popRetryOfTopic,
  type ReceiptHandle,
  type StoredMessage,
} from '@dt/rocketmq-protocol';
import { type ReceivedMessage, toCachedMessage } from '../consumer/received-message.ts';
import { RocketMQError } from '../errors.ts';

/** A message that is kept from all others for a time, and the receipt for it. */
export interface PoppedMessage extends ReceivedMessage {
  /** What the broker knows it by. Another one after `changeInvisible`. */
  readonly receipt: string;
  /** Until when nobody else gets it, milliseconds since 1970 by this machine's clock. */
  readonly invisibleUntil: number;
}

/** A message with what only this package needs of it. */
export interface PoppedEntry {
  readonly message: PoppedMessage;
  readonly physicalOffset: number;
  /** Why the body could not be decompressed: no handler sees such a message, it fails at once. */
  readonly bodyError: string | undefined;
}

export interface PopAnswer {
  group: string;
  topic: string;
  brokerName: string;
  response: commands.PopMessageResponse;
  /** When the answer came, by this machine's clock. */
  receivedAt: number;
}

/**
 * Makes receipts as Java's client does: of what was not done in time the broker has written it already, of all else the
 * queue's start offset stands in the answer. Throws `bad-answer` for a message without either.
 */
export function poppedEntries(answer: PopAnswer): Promise<PoppedEntry[]> {
  const { response } = answer;
  const starts = new Map(
    decodeStartOffsets(response.startOffsetInfo).map(({ retry, queueId, startOffset }) => [
      `${retry}@${queueId}`,
      startOffset,
    ]),
  );
  return Promise.all(decodeStoredMessages(response.body).map((stored) => toEntry(answer, starts, stored)));
}

async function toEntry(
  answer: PopAnswer,
  starts: ReadonlyMap<string, number>,
  stored: StoredMessage,
): Promise<PoppedEntry> {
  const { group, topic, brokerName, response, receivedAt } = answer;
  const written = stored.properties[MessageProperty.POP_CK];
  const handle = written === undefined ? handleOf(answer, starts, stored) : decodeReceiptHandle(written);
  stored.properties[MessageProperty.FIRST_POP_TIME] ??= String(response.popTime);
  const queue = { topic: popRealTopic(topic, group, handle.retry), brokerName, queueId: handle.queueId };
  const { message, physicalOffset, bodyError } = await toCachedMessage(stored, queue);
  const popped: PoppedMessage = {
    ...message,
    topic,
    receipt: written ?? encodeReceiptHandle(handle),
    invisibleUntil: receivedAt + handle.invisibleTimeMs,
  };
  return { message: popped, physicalOffset, bodyError };
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
