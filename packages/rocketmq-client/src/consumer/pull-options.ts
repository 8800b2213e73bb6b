import { type CheckedClientOptions, checkClientOptions, type ClientOptions } from '../options.ts';
import { checkNamespace, durationMs, flag, groupName, integer, traceTopic } from '../options.ts';
import type { AllocationStrategy } from './allocation.ts';
import { checkAllocate, checkStartFrom, type StartFrom } from './options.ts';
import { checkSubscriptions, type Subscription } from './subscription.ts';

export interface PullConsumerOptions extends ClientOptions {
  /** Consumer group, under whose name offsets are kept. */
  group: string;
  /**
   * Topics and groups carry it on the wire, `NAMESPACE%topic`; messages, queues and `lag` come without it: as Java's
   * clients do.
   * @default none
   */
  namespace?: string;
  /**
   * With them the consumer is a member of its group and gets its share of the queues. Without them it is no member:
   * `assign` says which queues it reads.
   */
  subscriptions?: readonly Subscription[];
  /** Where a queue starts of which the group has stored no offset. @default 'last' */
  from?: StartFrom;
  /**
   * Whether what was polled counts as done with the next poll and is told to the brokers every `commitIntervalMs` and
   * at the end. Otherwise only `commit` tells them. @default true
   */
  autoCommit?: boolean;
  /** @default 5000 */
  commitIntervalMs?: number;
  /** Messages asked for in one request; a broker gives at most 32 in its normal configuration. @default 32 */
  pullBatchSize?: number;
  /** Messages held here over all queues before pulling pauses; each queue may still hold one answer. @default 10000 */
  maxBufferedMessages?: number;
  /** Bytes of messages held here over all queues before pulling pauses. @default 67108864 */
  maxBufferedBytes?: number;
  /** How long a broker may hold a request for messages that are not there yet. @default 15000 */
  longPollMs?: number;
  /** Time-out of such a request; the broker may answer 5 s late. @default longPollMs + 15000 */
  pullTimeoutMs?: number;
  /** Pause after a failed pull; doubles up to four times this. @default 1000 */
  pullRetryPauseMs?: number;
  /** With `subscriptions`: as for a push consumer. @default allocation.average */
  allocate?: AllocationStrategy;
  /** How often the queues are shared out anew without a cause. @default 20000 */
  rebalanceIntervalMs?: number;
  /**
   * Sends records of every message that a poll gives to the topic of message traces, as RocketMQ's tools read them;
   * true: `RMQ_SYS_TRACE_TOPIC`.
   * @default false
   */
  messageTrace?: boolean | { topic: string };
  /** Time for the last commits and the leaving of the group. @default 5000 */
  closeTimeoutMs?: number;
}

export interface CheckedPullConsumerOptions extends CheckedClientOptions {
  /** With its namespace. */
  readonly group: string;
  readonly namespace: string | undefined;
  /** Topics with their namespace. */
  readonly subscriptions: readonly Subscription[] | undefined;
  readonly from: StartFrom;
  readonly autoCommit: boolean;
  readonly commitIntervalMs: number;
  readonly pullBatchSize: number;
  readonly maxBufferedMessages: number;
  readonly maxBufferedBytes: number;
  readonly longPollMs: number;
  readonly pullTimeoutMs: number;
  readonly pullRetryPauseMs: number;
  readonly allocate: AllocationStrategy;
  readonly rebalanceIntervalMs: number;
  readonly traceTopic: string | undefined;
  readonly closeTimeoutMs: number;
}

export function checkPullConsumerOptions(options: PullConsumerOptions): CheckedPullConsumerOptions {
  const longPollMs = durationMs('longPollMs', options.longPollMs, 15_000);
  const namespace = checkNamespace(options.namespace);
  return {
    ...checkClientOptions(options),
    group: groupName(options.group, namespace),
    namespace,
    subscriptions:
      options.subscriptions === undefined ? undefined : checkSubscriptions(options.subscriptions, namespace),
    from: checkStartFrom(options.from),
    autoCommit: flag('autoCommit', options.autoCommit, true),
    commitIntervalMs: durationMs('commitIntervalMs', options.commitIntervalMs, 5000),
    pullBatchSize: integer('pullBatchSize', options.pullBatchSize, 32, 1, 1024),
    maxBufferedMessages: integer('maxBufferedMessages', options.maxBufferedMessages, 10_000, 1, 10_000_000),
    maxBufferedBytes: integer(
      'maxBufferedBytes',
      options.maxBufferedBytes,
      67_108_864,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    longPollMs,
    pullTimeoutMs: integer(
      'pullTimeoutMs',
      options.pullTimeoutMs,
      longPollMs + 15_000,
      longPollMs + 1,
      0x7fffffff,
    ),
    pullRetryPauseMs: durationMs('pullRetryPauseMs', options.pullRetryPauseMs, 1000),
    allocate: checkAllocate(options.allocate),
    rebalanceIntervalMs: durationMs('rebalanceIntervalMs', options.rebalanceIntervalMs, 20_000),
    traceTopic: traceTopic(options.messageTrace),
    closeTimeoutMs: durationMs('closeTimeoutMs', options.closeTimeoutMs, 5000),
  };
}
