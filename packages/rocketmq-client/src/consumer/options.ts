import type { MessageQueue } from '@dt/rocketmq-protocol';
import {
  type CheckedClientOptions,
  checkClientOptions,
  type ClientOptions,
  durationMs,
  groupName,
  integer,
  invalidOption,
  oneOf,
  traceTopic,
  checkNamespace,
} from '../options.ts';
import { allocation, type AllocationStrategy } from './allocation.ts';
import type { OffsetStore } from './offset-store.ts';
import type { ReceivedMessage } from './received-message.ts';
import { checkSubscriptions, type Subscription } from './subscription.ts';

export interface HandlerContext {
  queue: MessageQueue;
  /**
   * Fires when the queue was given to another consumer or this one closes, and the handler did not end in time, and
   * when a call takes longer than `consumeTimeoutMs`: what it does from then on no longer counts.
   */
  signal: AbortSignal;
  /** 1 for the first call with these messages; grows while they are tried again here. */
  attempt: number;
}

/** What a handler could not do of its messages. The others are done. */
export interface PartialFailure {
  failed: readonly ReceivedMessage[];
}

/**
 * Ends well: the messages are done. Throws: they failed, see `onError`. With `{ failed }` some of them failed, and
 * `onError` is for those alone.
 */
export type MessageHandler = (
  messages: ReceivedMessage[],
  context: HandlerContext,
) => Promise<PartialFailure | void>;

/** Where a group without a stored offset starts. A broker may answer 0 for a young queue whatever is asked. */
export type StartFrom = 'last' | 'first' | { timestamp: number };

export type OnError = 'sendBack' | 'suspend' | 'drop';

export interface PushConsumerOptions extends ClientOptions {
  /** Consumer group. All its members must have the same subscriptions. */
  group: string;
  /**
   * Topics and groups carry it on the wire, `NAMESPACE%topic`, and messages are received without it: as Java's clients do.
   * @default none
   */
  namespace?: string;
  subscriptions: readonly Subscription[];
  handler: MessageHandler;
  /** @default 'last' */
  from?: StartFrom;
  /** Messages a handler call gets at most. @default 32 */
  batchSize?: number;
  /** Messages asked for in one request; a broker gives at most 32 in its normal configuration. @default 32 */
  pullBatchSize?: number;
  /** Handler calls at the same time, over all queues. @default 20 */
  concurrency?: number;
  /**
   * What a throwing handler does to its messages. `sendBack`: each is handed to the broker, which delivers it
   * again later and out of order, and after `maxReconsumeTimes` puts it into the dead letter topic. `suspend`:
   * the same messages come again after `suspendMs`, and nothing of that queue passes them by. A message whose body
   * cannot be decompressed is sent back in either case. With `queueLocks` only `suspend` is allowed.
   * A broadcasting consumer cannot send back. It has `drop` instead: the same messages come again after `suspendMs`,
   * `maxReconsumeTimes` times, then they are logged and passed by; one that cannot be decompressed at once.
   * @default 'sendBack', with `queueLocks` 'suspend', broadcasting 'drop'
   */
  onError?: OnError;
  /**
   * `clustering`: the members of the group share the queues, and the brokers keep how far it is. `broadcasting`:
   * every member gets all messages, and keeps in its `offsetStore` how far it is. @default 'clustering'
   */
  model?: 'clustering' | 'broadcasting';
  /** Needed by a broadcasting consumer, and only by that. */
  offsetStore?: OffsetStore;
  /**
   * Whether a queue is consumed only under the broker's lock for it, as by Java's orderly consumers: never by two
   * members at once, also while they do not agree on who has it. After the crash of a member its queues wait until
   * the broker frees its locks, 60 s. All members of the group must do the same. @default false
   */
  queueLocks?: boolean;
  /** How often the locks of this member's queues are renewed. @default 20000 */
  lockRenewMs?: number;
  /**
   * How long a lock counts here without a renewal. Then what a running handler does no longer counts, and nothing
   * of the queue is handled before it is locked anew. Less than the 60 s of the brokers. @default 30000
   */
  lockValidMs?: number;
  /**
   * With `sendBack`: a handler call that takes longer counts as failed. Its messages are sent back, to come again after
   * 10 s (delay level 3), its signal fires, and the queue goes on. Until the call ends it counts against
   * `concurrency`. @default 900000
   */
  consumeTimeoutMs?: number;
  /**
   * How the members share out the queues of a topic: one of `allocation`, or a function. The same in all members.
   * @default allocation.average
   */
  allocate?: AllocationStrategy;
  /** Only with `suspend` and `drop`. @default 1000 */
  suspendMs?: number;
  /** Deliveries of a message that was sent back before it is a dead letter; with `drop` tries here. @default 16 */
  maxReconsumeTimes?: number;
  /** Messages held here a queue before pulling pauses. @default 1000 */
  maxCachedMessages?: number;
  /** Bytes of bodies held here a queue before pulling pauses. @default 104857600 */
  maxCachedBytes?: number;
  /** How long a broker may hold a request for messages that are not there yet. @default 15000 */
  longPollMs?: number;
  /** Time-out of such a request; the broker may answer 5 s late. @default longPollMs + 15000 */
  pullTimeoutMs?: number;
  /** Pause after a failed pull; doubles up to four times this. @default 1000 */
  pullRetryPauseMs?: number;
  /** How often progress is told to the brokers. @default 5000 */
  commitIntervalMs?: number;
  /** How often the queues are shared out anew without a cause. @default 20000 */
  rebalanceIntervalMs?: number;
  /** Time a running handler gets when its queue is given away or the consumer closes, before its signal fires. @default 5000 */
  handlerGraceMs?: number;
  /**
   * Sends records of every handler call, for each of its messages, to the topic of message traces, as RocketMQ's tools
   * read them; true: `RMQ_SYS_TRACE_TOPIC`.
   * @default false
   */
  messageTrace?: boolean | { topic: string };
  /** Limit for close() as a whole. @default 10000 */
  closeTimeoutMs?: number;
}

export interface CheckedConsumerOptions extends CheckedClientOptions {
  /** With its namespace. */
  readonly group: string;
  readonly namespace: string | undefined;
  /** Topics with their namespace. */
  readonly subscriptions: readonly Subscription[];
  readonly handler: MessageHandler;
  readonly from: StartFrom;
  readonly batchSize: number;
  readonly pullBatchSize: number;
  readonly concurrency: number;
  readonly onError: OnError;
  readonly model: 'clustering' | 'broadcasting';
  readonly offsetStore: OffsetStore | undefined;
  readonly queueLocks: boolean;
  readonly lockRenewMs: number;
  readonly lockValidMs: number;
  readonly consumeTimeoutMs: number;
  readonly allocate: AllocationStrategy;
  readonly suspendMs: number;
  readonly maxReconsumeTimes: number;
  readonly maxCachedMessages: number;
  readonly maxCachedBytes: number;
  readonly longPollMs: number;
  readonly pullTimeoutMs: number;
  readonly pullRetryPauseMs: number;
  readonly commitIntervalMs: number;
  readonly rebalanceIntervalMs: number;
  readonly handlerGraceMs: number;
  readonly traceTopic: string | undefined;
  readonly closeTimeoutMs: number;
}

/** Brokers give a lock to the next after 60 s; the rest is for requests under way and clocks that differ. */
const MAX_LOCK_VALID_MS = 45_000;

export function checkConsumerOptions(options: PushConsumerOptions): CheckedConsumerOptions {
  const namespace = checkNamespace(options.namespace);
  const longPollMs = durationMs('longPollMs', options.longPollMs, 15_000);
  if (typeof options.handler !== 'function')
    throw invalidOption('handler', options.handler, 'expected a function');
  return {
    ...checkClientOptions(options),
    group: groupName(options.group, namespace),
    namespace,
    subscriptions: checkSubscriptions(options.subscriptions, namespace),
    handler: options.handler,
    from: checkStartFrom(options.from),
    batchSize: integer('batchSize', options.batchSize, 32, 1, 10_000),
    pullBatchSize: integer('pullBatchSize', options.pullBatchSize, 32, 1, 1024),
    concurrency: integer('concurrency', options.concurrency, 20, 1, 10_000),
    ...delivery(options),
    ...lockTimes(options),
    consumeTimeoutMs: durationMs('consumeTimeoutMs', options.consumeTimeoutMs, 900_000),
    allocate: checkAllocate(options.allocate),
    suspendMs: durationMs('suspendMs', options.suspendMs, 1000),
    maxReconsumeTimes: integer('maxReconsumeTimes', options.maxReconsumeTimes, 16, 0, 0x7fffffff),
    maxCachedMessages: integer('maxCachedMessages', options.maxCachedMessages, 1000, 1, 1_000_000),
    maxCachedBytes: integer(
      'maxCachedBytes',
      options.maxCachedBytes,
      104_857_600,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    longPollMs,
    // A broker looks for polls that are due every 5 s only.
    pullTimeoutMs: integer(
      'pullTimeoutMs',
      options.pullTimeoutMs,
      longPollMs + 15_000,
      longPollMs + 1,
      0x7fffffff,
    ),
    pullRetryPauseMs: durationMs('pullRetryPauseMs', options.pullRetryPauseMs, 1000),
    commitIntervalMs: durationMs('commitIntervalMs', options.commitIntervalMs, 5000),
    rebalanceIntervalMs: durationMs('rebalanceIntervalMs', options.rebalanceIntervalMs, 20_000),
    handlerGraceMs: durationMs('handlerGraceMs', options.handlerGraceMs, 5000),
    traceTopic: traceTopic(options.messageTrace),
    closeTimeoutMs: durationMs('closeTimeoutMs', options.closeTimeoutMs, 10_000),
  };
}

/** What goes together: who gets a message, under what lock, and what happens when it fails. */
function delivery(
  options: PushConsumerOptions,
): Pick<CheckedConsumerOptions, 'model' | 'offsetStore' | 'queueLocks' | 'onError'> {
  const model = oneOf('model', options.model, 'clustering', ['clustering', 'broadcasting']);
  const queueLocks = options.queueLocks ?? false;
  if (typeof queueLocks !== 'boolean')
    throw invalidOption('queueLocks', queueLocks, 'expected true or false');
  if (model === 'broadcasting' && queueLocks)
    throw invalidOption(
      'queueLocks',
      queueLocks,
      'expected false when broadcasting: every member has all queues',
    );
  return {
    model,
    queueLocks,
    offsetStore: offsetStore(options.offsetStore, model),
    onError: onError(options.onError, model, queueLocks),
  };
}

function onError(
  value: OnError | undefined,
  model: CheckedConsumerOptions['model'],
  queueLocks: boolean,
): OnError {
  if (model === 'broadcasting') return oneOf('onError', value, 'drop', ['drop', 'suspend']);
  if (!queueLocks) return oneOf('onError', value, 'sendBack', ['sendBack', 'suspend']);
  if (value === undefined || value === 'suspend') return 'suspend';
  throw invalidOption('onError', value, "expected 'suspend' with queueLocks: others would lose the order");
}

function offsetStore(
  value: OffsetStore | undefined,
  model: CheckedConsumerOptions['model'],
): OffsetStore | undefined {
  if (model === 'clustering') {
    if (value === undefined) return undefined;
    throw invalidOption('offsetStore', value, 'expected none when clustering: the brokers keep the offsets');
  }
  if (typeof value?.load === 'function' && typeof value.save === 'function') return value;
  throw invalidOption('offsetStore', value, 'expected a store with load and save when broadcasting');
}

function lockTimes(
  options: PushConsumerOptions,
): Pick<CheckedConsumerOptions, 'lockRenewMs' | 'lockValidMs'> {
  const lockValidMs = integer('lockValidMs', options.lockValidMs, 30_000, 2, MAX_LOCK_VALID_MS);
  const lockRenewMs = integer(
    'lockRenewMs',
    options.lockRenewMs,
    Math.min(20_000, lockValidMs - 1),
    1,
    lockValidMs - 1,
  );
  return { lockRenewMs, lockValidMs };
}

export function checkAllocate(value: AllocationStrategy | undefined): AllocationStrategy {
  if (value === undefined || typeof value === 'function') return value ?? allocation.average;
  throw invalidOption('allocate', value, 'expected one of allocation, or a function');
}

export function checkStartFrom(value: StartFrom | undefined): StartFrom {
  if (value === undefined || value === 'last') return 'last';
  if (value === 'first') return 'first';
  if (typeof value === 'object' && Number.isSafeInteger(value.timestamp) && value.timestamp >= 0)
    return { ...value };
  throw invalidOption(
    'from',
    JSON.stringify(value),
    "expected 'last', 'first' or { timestamp: milliseconds }",
  );
}
