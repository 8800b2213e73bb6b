import { MAX_POP_MESSAGES } from '@dt/rocketmq-protocol';
import { checkSubscriptions, type Subscription } from '../consumer/subscription.ts';
import {
  type CheckedClientOptions,
  checkClientOptions,
  checkNamespace,
  type ClientOptions,
  durationMs,
  flag,
  groupName,
  integer,
  invalidOption,
  oneOf,
  traceTopic,
} from '../options.ts';
import type { PoppedMessage } from './popped-message.ts';

export interface PopHandlerContext {
  /**
   * Fires when the time of the message is over, so that another consumer may have it, or when this one closes and the
   * handler did not end in time.
   */
  signal: AbortSignal;
  /** Keeps the message from the others for so long from now on. */
  changeInvisible: (invisibleMs: number) => Promise<void>;
}

/** Ends well: the message is acknowledged. Throws: it comes again after one of `retryDelaysMs`. */
export type PopHandler = (message: PoppedMessage, context: PopHandlerContext) => Promise<void>;

export interface PopConsumerOptions extends ClientOptions {
  /** Consumer group. All its members must have the same subscriptions. */
  group: string;
  /**
   * Topics and groups carry it on the wire, `NAMESPACE%topic`, and messages are received without it: as Java's clients do.
   * @default none
   */
  namespace?: string;
  subscriptions: readonly Subscription[];
  /** Without one `pop` or the iterator gives the messages, and the caller acknowledges them. */
  handler?: PopHandler;
  /** Where a group without a stored offset starts. A broker may answer 0 for a young queue whatever is asked. @default 'last' */
  from?: 'last' | 'first';
  /** How long nobody else gets a popped message. @default 60000 */
  invisibleMs?: number;
  /**
   * Whether the messages of a queue come in their order: none of it is given to anybody while some of it are popped and
   * neither acknowledged nor over their time. With a handler they are handled one after the other, and one that fails
   * keeps its queue waiting. Messages in retry topics are not read. The same in all members of the group. @default false
   */
  order?: boolean;
  /** Messages asked for in one request; brokers give at most 32. @default 32 */
  batchSize?: number;
  /** How long a broker may hold a request for messages that are not there yet. @default 15000 */
  pollMs?: number;
  /** Handler calls at the same time. @default 20 */
  concurrency?: number;
  /** Deliveries that may fail before a message goes to the dead letter topic. With a handler. @default 16 */
  maxReconsumeTimes?: number;
  /**
   * How long a message stays away whose handler threw, by the deliveries before; the last for all further ones. With a
   * handler. @default those of Java: 10 s, 30 s, 1 min, 2 to 10 min, 20 min, 30 min, 1 h, 2 h
   */
  retryDelaysMs?: readonly number[];
  /** Pause of the handler's loop after a failed request; doubles up to four times this. @default 1000 */
  popRetryPauseMs?: number;
  /**
   * Sends records of every handler call, without a handler of every message that is given, to the topic of message
   * traces, as RocketMQ's tools read them; true: `RMQ_SYS_TRACE_TOPIC`.
   * @default false
   */
  messageTrace?: boolean | { topic: string };
  /** Limit for close() as a whole: running handlers, their receipts, leaving the group. @default 10000 */
  closeTimeoutMs?: number;
}

export interface CheckedPopConsumerOptions extends CheckedClientOptions {
  /** With its namespace. */
  readonly group: string;
  readonly namespace: string | undefined;
  /** Topics with their namespace. */
  readonly subscriptions: readonly Subscription[];
  readonly handler: PopHandler | undefined;
  readonly from: 'last' | 'first';
  readonly invisibleMs: number;
  readonly order: boolean;
  readonly batchSize: number;
  readonly pollMs: number;
  readonly concurrency: number;
  readonly maxReconsumeTimes: number;
  readonly retryDelaysMs: readonly number[];
  readonly popRetryPauseMs: number;
  readonly traceTopic: string | undefined;
  readonly closeTimeoutMs: number;
}

/** Java's table, in seconds. */
const RETRY_DELAYS_SECONDS = [
  ...[10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200],
];
const MAX_TIME_MS = 12 * 3_600_000;

export function checkPopConsumerOptions(options: PopConsumerOptions): CheckedPopConsumerOptions {
  if (options.handler !== undefined && typeof options.handler !== 'function')
    throw invalidOption('handler', options.handler, 'expected a function');
  const namespace = checkNamespace(options.namespace);
  return {
    ...checkClientOptions(options),
    group: groupName(options.group, namespace),
    namespace,
    subscriptions: checkSubscriptions(options.subscriptions, namespace),
    handler: options.handler,
    from: oneOf('from', options.from, 'last', ['last', 'first']),
    invisibleMs: checkInvisibleMs(options.invisibleMs ?? 60_000),
    order: flag('order', options.order, false),
    batchSize: integer('batchSize', options.batchSize, MAX_POP_MESSAGES, 1, MAX_POP_MESSAGES),
    pollMs: integer('pollMs', options.pollMs, 15_000, 1, MAX_TIME_MS),
    concurrency: integer('concurrency', options.concurrency, 20, 1, 10_000),
    maxReconsumeTimes: integer('maxReconsumeTimes', options.maxReconsumeTimes, 16, 0, 0x7fffffff),
    retryDelaysMs: retryDelays(options.retryDelaysMs),
    popRetryPauseMs: durationMs('popRetryPauseMs', options.popRetryPauseMs, 1000),
    traceTopic: traceTopic(options.messageTrace),
    closeTimeoutMs: durationMs('closeTimeoutMs', options.closeTimeoutMs, 10_000),
  };
}

/** At least 1 ms, at most 12 hours. */
export function checkInvisibleMs(value: number): number {
  return integer('invisibleMs', value, value, 1, MAX_TIME_MS);
}

function retryDelays(value: readonly number[] | undefined): readonly number[] {
  if (value === undefined) return RETRY_DELAYS_SECONDS.map((seconds) => seconds * 1000);
  if (!Array.isArray(value) || value.length === 0 || value.length > 1000)
    throw invalidOption('retryDelaysMs', value, 'expected 1 to 1000 durations');
  return value.map((delay: number) => integer('retryDelaysMs', delay, delay, 1, MAX_TIME_MS));
}
