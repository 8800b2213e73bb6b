import {
  type CheckedClientOptions,
  checkClientOptions,
  type ClientOptions,
  durationMs,
  groupName,
  integer,
} from '../options.ts';

export interface ProducerOptions extends ClientOptions {
  /** Producer group: the name under which brokers know this producer. */
  group: string;
  /** Time for one send with all its tries. @default 3000 */
  sendTimeoutMs?: number;
  /** Tries for one message or batch, the first included. @default 3 */
  maxAttempts?: number;
  /** Pause before the second try; it doubles with every further one, up to 20 times this. @default 200 */
  retryPauseMs?: number;
  /** Queues of a topic that the broker creates on the first send. @default 4 */
  defaultTopicQueueNums?: number;
  /** Bodies of single messages from this size on are compressed (zlib); batches never are. @default 4096 */
  compressFromBytes?: number;
  /** Messages in one request of sendBatch. @default 1024 */
  maxBatchMessages?: number;
  /** Bytes of the body of one request of sendBatch; a larger message goes alone. @default 1048576 */
  maxBatchBytes?: number;
  /** Sends and batches under way at the same time; one more fails at once. @default 10000 */
  maxPendingSends?: number;
  /** Time for close() to wait for sends under way. @default 5000 */
  closeTimeoutMs?: number;
}

export interface CheckedProducerOptions extends CheckedClientOptions {
  readonly group: string;
  readonly sendTimeoutMs: number;
  readonly maxAttempts: number;
  readonly retryPauseMs: number;
  readonly defaultTopicQueueNums: number;
  readonly compressFromBytes: number;
  readonly maxBatchMessages: number;
  readonly maxBatchBytes: number;
  readonly maxPendingSends: number;
  readonly closeTimeoutMs: number;
}

export function checkProducerOptions(options: ProducerOptions): CheckedProducerOptions {
  return {
    ...checkClientOptions(options),
    group: groupName(options.group),
    sendTimeoutMs: durationMs('sendTimeoutMs', options.sendTimeoutMs, 3000),
    maxAttempts: integer('maxAttempts', options.maxAttempts, 3, 1, 100),
    retryPauseMs: durationMs('retryPauseMs', options.retryPauseMs, 200),
    defaultTopicQueueNums: integer('defaultTopicQueueNums', options.defaultTopicQueueNums, 4, 1, 1024),
    compressFromBytes: integer(
      'compressFromBytes',
      options.compressFromBytes,
      4096,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    maxBatchMessages: integer('maxBatchMessages', options.maxBatchMessages, 1024, 1, 65_536),
    maxBatchBytes: integer('maxBatchBytes', options.maxBatchBytes, 1024 * 1024, 1024, 4 * 1024 * 1024 - 1),
    maxPendingSends: integer('maxPendingSends', options.maxPendingSends, 10_000, 1, 1_000_000),
    closeTimeoutMs: durationMs('closeTimeoutMs', options.closeTimeoutMs, 5000),
  };
}
