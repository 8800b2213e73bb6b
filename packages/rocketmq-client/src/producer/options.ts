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
import type { TraceContext } from '../trace/trace-context.ts';
import type { Message } from './message.ts';

export interface ProducerOptions extends ClientOptions {
  /** Producer group: the name under which brokers know this producer. */
  group: string;
  /**
   * Topics and groups carry it on the wire, `NAMESPACE%topic`, and messages are answered without it: as Java's clients do.
   * @default none
   */
  namespace?: string;
  /** Time for one send with all its tries. @default 3000 */
  sendTimeoutMs?: number;
  /** Tries for one message or batch, the first included. @default 3 */
  maxAttempts?: number;
  /** Pause before the second try; it doubles with every further one, up to 20 times this. @default 200 */
  retryPauseMs?: number;
  /** Queues of a topic that the broker creates on the first send. @default 4 */
  defaultTopicQueueNums?: number;
  /** Bodies from this size on are compressed (zlib) in messages that go alone; batches never are. @default 4096 */
  compressFromBytes?: number;
  /** Messages in one request of sendBatch. @default 1024 */
  maxBatchMessages?: number;
  /** Bytes of the body of one request of sendBatch; a larger message goes alone. @default 1048576 */
  maxBatchBytes?: number;
  /**
   * Sends gather for this time, or until `maxBatchMessages` or `maxBatchBytes` are there, and share one request a
   * queue; not longer than until everyone whose send was answered has sent again in the same turn of the event loop.
   * 0: those of one turn, and those that come while a request of their queue is under way.
   * @default every message goes alone
   */
  lingerMs?: number;
  /**
   * Passes by, in the round over the queues, brokers whose last send was slow or failed, for 2 s to 30 s, while there
   * are others.
   * @default false
   */
  avoidSlowBrokers?: boolean;
  /** Messages under way at the same time. @default 10000 */
  maxPendingMessages?: number;
  /** Bytes of their bodies. @default 67108864 */
  maxPendingBytes?: number;
  /**
   * What a send does that finds no room under these two: it waits, at most its time-out, or fails at once; with
   * `overloaded` both.
   * @default 'wait'
   */
  whenFull?: 'wait' | 'error';
  /**
   * Gives a message its trace context, which goes into its properties `traceparent` and `tracestate`: a function over
   * whatever tracing library is in use. Properties that are set already stay.
   * @default no trace context
   */
  traceContext?: (message: Message) => TraceContext | undefined;
  /**
   * Sends a record of every stored message to the topic of message traces, as RocketMQ's tools read them; true:
   * `RMQ_SYS_TRACE_TOPIC`.
   * @default false
   */
  messageTrace?: boolean | { topic: string };
  /** Limit for close() as a whole; the last part of it is for leaving the group. @default 5000 */
  closeTimeoutMs?: number;
}

export interface CheckedProducerOptions extends CheckedClientOptions {
  /** With its namespace. */
  readonly group: string;
  readonly namespace: string | undefined;
  readonly sendTimeoutMs: number;
  readonly maxAttempts: number;
  readonly retryPauseMs: number;
  readonly defaultTopicQueueNums: number;
  readonly compressFromBytes: number;
  readonly maxBatchMessages: number;
  readonly maxBatchBytes: number;
  readonly lingerMs: number | undefined;
  readonly avoidSlowBrokers: boolean;
  readonly maxPendingMessages: number;
  readonly maxPendingBytes: number;
  readonly whenFull: 'wait' | 'error';
  readonly traceContext: ((message: Message) => TraceContext | undefined) | undefined;
  readonly traceTopic: string | undefined;
  readonly closeTimeoutMs: number;
}

export function checkProducerOptions(options: ProducerOptions): CheckedProducerOptions {
  const namespace = checkNamespace(options.namespace);
  return {
    ...checkClientOptions(options),
    group: groupName(options.group, namespace),
    namespace,
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
    lingerMs:
      options.lingerMs === undefined ? undefined : integer('lingerMs', options.lingerMs, 0, 0, 60_000),
    avoidSlowBrokers: flag('avoidSlowBrokers', options.avoidSlowBrokers, false),
    maxPendingMessages: integer('maxPendingMessages', options.maxPendingMessages, 10_000, 1, 1_000_000),
    maxPendingBytes: integer(
      'maxPendingBytes',
      options.maxPendingBytes,
      64 * 1024 * 1024,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    whenFull: oneOf('whenFull', options.whenFull, 'wait', ['wait', 'error']),
    traceContext: traceContext(options.traceContext),
    traceTopic: traceTopic(options.messageTrace),
    closeTimeoutMs: durationMs('closeTimeoutMs', options.closeTimeoutMs, 5000),
  };
}

function traceContext(value: ProducerOptions['traceContext']): ProducerOptions['traceContext'] | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw invalidOption('traceContext', value, 'expected a function');
}
