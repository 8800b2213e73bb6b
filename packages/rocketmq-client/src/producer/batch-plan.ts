import { batchEntryBytes } from '@dt/rocketmq-protocol';
import type { EncodedMessage } from './message.ts';

export interface BatchLimits {
  maxBatchMessages: number;
  maxBatchBytes: number;
  /** Of a message that goes alone. */
  compressFromBytes: number;
}

/** Messages of one queue cut into requests, order kept. Delayed messages go alone: batches cannot carry them. */
export function planRequests<T extends { encoded: EncodedMessage }>(
  messages: readonly T[],
  limits: Omit<BatchLimits, 'compressFromBytes'>,
): T[][] {
  const requests: T[][] = [];
  let current: T[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (current.length > 0) requests.push(current);
    current = [];
    bytes = 0;
  };
  for (const message of messages) {
    const { body, propertiesBytes, delayed } = message.encoded;
    const size = batchEntryBytes(body.length, propertiesBytes);
    const full = current.length >= limits.maxBatchMessages || bytes + size > limits.maxBatchBytes;
    if (full || delayed) flush();
    current.push(message);
    bytes += size;
    if (delayed) flush();
  }
  flush();
  return requests;
}
