export { decodeBitSet, encodeBitSet } from './bit-set.ts';
export { MAX_POP_MESSAGES, PopInitMode } from './pop-limits.ts';
export {
  popRealTopic,
  popRetryMark,
  popRetryOfMark,
  popRetryOfTopic,
  popRetryTopic,
  type PopRetry,
} from './pop-retry-topic.ts';
export {
  decodeMessageOffsets,
  decodeOrderCounts,
  decodeStartOffsets,
  encodeMessageOffsets,
  encodeOrderCounts,
  encodeStartOffsets,
  type PopMessageOffsets,
  type PopOrderCount,
  type PopQueue,
  type PopStartOffset,
} from './queue-info.ts';
export {
  decodeReceiptHandle,
  encodeReceiptHandle,
  POP_ORDER_REVIVE_QUEUE_ID,
  type ReceiptHandle,
} from './receipt-handle.ts';
