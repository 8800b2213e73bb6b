import { ProtocolError } from '../errors.ts';
import { type PopRetry, popRetryMark, popRetryOfMark } from './pop-retry-topic.ts';

/** Revive queue of messages that were popped in order. */
export const POP_ORDER_REVIVE_QUEUE_ID = 999;

/** What a broker needs to know of one popped message: property `POP_CK`, field `extraInfo`. */
export interface ReceiptHandle {
  /** First offset of the check-point this message belongs to; after a change of its invisible time its own. */
  startOffset: number;
  /** Milliseconds since 1970 by the broker's clock. */
  popTime: number;
  invisibleTimeMs: number;
  reviveQueueId: number;
  retry: PopRetry;
  brokerName: string;
  /** Queue of the real topic. */
  queueId: number;
  queueOffset: number;
}

const INTEGER = /^\d{1,16}$/;

/** Eight fields with a blank between them. */
export function encodeReceiptHandle(handle: ReceiptHandle): string {
  return [
    handle.startOffset,
    handle.popTime,
    handle.invisibleTimeMs,
    handle.reviveQueueId,
    popRetryMark(handle.retry),
    handle.brokerName,
    handle.queueId,
    handle.queueOffset,
  ].join(' ');
}

/** Throws `field-invalid`. */
export function decodeReceiptHandle(text: string): ReceiptHandle {
  const fields = text.split(' ');
  const retry = popRetryOfMark(fields[4] ?? '');
  const brokerName = fields[5] ?? '';
  const numbers = [0, 1, 2, 3, 6, 7].map((at) => integerOf(fields[at] ?? ''));
  const [startOffset, popTime, invisibleTimeMs, reviveQueueId, queueId, queueOffset] = numbers;
  if (
    fields.length !== 8 ||
    retry === undefined ||
    brokerName === '' ||
    startOffset === undefined ||
    popTime === undefined ||
    invisibleTimeMs === undefined ||
    reviveQueueId === undefined ||
    queueId === undefined ||
    queueOffset === undefined
  ) {
    throw new ProtocolError('field-invalid', `${JSON.stringify(text.slice(0, 200))} is no receipt handle`);
  }
  return { startOffset, popTime, invisibleTimeMs, reviveQueueId, retry, brokerName, queueId, queueOffset };
}

function integerOf(text: string): number | undefined {
  const value = INTEGER.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
