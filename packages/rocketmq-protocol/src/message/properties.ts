import { ProtocolError } from '../errors.ts';

const NAME_VALUE = '\u0001';
const ENTRY = '\u0002';
const SEPARATORS = /[\u0001\u0002]/; // eslint-disable-line no-control-regex -- the separators are control characters

/** Longest properties text a broker stores. */
export const MAX_PROPERTIES_BYTES = 32767;

export type MessageProperties = Record<string, string>;

/** Names that the protocol gives a meaning. */
export const MessageProperty = {
  TAGS: 'TAGS',
  KEYS: 'KEYS',
  WAIT: 'WAIT',
  DELAY: 'DELAY',
  UNIQ_KEY: 'UNIQ_KEY',
  SHARDING_KEY: '__SHARDINGKEY',
  CLUSTER: 'CLUSTER',
  MSG_REGION: 'MSG_REGION',
  TRACE_ON: 'TRACE_ON',
  RETRY_TOPIC: 'RETRY_TOPIC',
  REAL_TOPIC: 'REAL_TOPIC',
  REAL_QID: 'REAL_QID',
  ORIGIN_MESSAGE_ID: 'ORIGIN_MESSAGE_ID',
  RECONSUME_TIME: 'RECONSUME_TIME',
  MAX_RECONSUME_TIMES: 'MAX_RECONSUME_TIMES',
  MIN_OFFSET: 'MIN_OFFSET',
  MAX_OFFSET: 'MAX_OFFSET',
  TRANSACTION_PREPARED: 'TRAN_MSG',
  PRODUCER_GROUP: 'PGROUP',
  TRANSACTION_ID: '__transactionId__',
  TRANSACTION_CHECK_TIMES: 'TRANSACTION_CHECK_TIMES',
  /** Seconds of the producer's own before the broker checks back. */
  CHECK_IMMUNITY_TIME_IN_SECONDS: 'CHECK_IMMUNITY_TIME_IN_SECONDS',
  TRANSACTION_PREPARED_QUEUE_OFFSET: 'TRAN_PREPARED_QUEUE_OFFSET',
  TIMER_DELAY_SEC: 'TIMER_DELAY_SEC',
  TIMER_DELAY_MS: 'TIMER_DELAY_MS',
  TIMER_DELIVER_MS: 'TIMER_DELIVER_MS',
  /** Milliseconds since 1970 when the broker delivers it. */
  TIMER_OUT_MS: 'TIMER_OUT_MS',
  TIMER_ENQUEUE_MS: 'TIMER_ENQUEUE_MS',
  TIMER_DEQUEUE_MS: 'TIMER_DEQUEUE_MS',
  /** UNIQ_KEY of a message of the same time that is not to be delivered. */
  TIMER_DEL_UNIQKEY: 'TIMER_DEL_UNIQKEY',
  /** Receipt handle of a popped message. */
  POP_CK: 'POP_CK',
  /** Of a request, and of its reply. */
  CORRELATION_ID: 'CORRELATION_ID',
  /** Id of the client that waits for the reply. */
  REPLY_TO_CLIENT: 'REPLY_TO_CLIENT',
  /** Milliseconds it waits. */
  TTL: 'TTL',
  /** `reply` on a reply. */
  MSG_TYPE: 'MSG_TYPE',
  /** When the broker handed the reply on. */
  PUSH_REPLY_TIME: 'PUSH_REPLY_TIME',
  FIRST_POP_TIME: '1ST_POP_TIME',
} as const;

/** Names a user may not set: the protocol gives them a meaning, or the broker writes them. */
const RESERVED: ReadonlySet<string> = new Set([
  ...['TAGS', 'KEYS', 'WAIT', 'DELAY', 'INSTANCE_ID', 'BUYER_ID', 'UNIQ_KEY', 'EXTEND_UNIQ_INFO', 'CLUSTER'],
  ...['MSG_REGION', 'TRACE_ON', '__BORNHOST', 'BORN_TIMESTAMP', 'RETRY_TOPIC', 'REAL_TOPIC', 'REAL_QID'],
  ...['ORIGIN_MESSAGE_ID', 'RECONSUME_TIME', 'MAX_RECONSUME_TIMES', 'CONSUME_START_TIME', 'DLQ_ORIGIN_TOPIC'],
  ...[
    'DLQ_ORIGIN_MESSAGE_ID',
    'TRAN_MSG',
    'PGROUP',
    'TRAN_PREPARED_QUEUE_OFFSET',
    'MIN_OFFSET',
    'MAX_OFFSET',
  ],
  ...['TIMER_DELAY_SEC', 'TIMER_DELAY_MS', 'TIMER_DELIVER_MS', 'TIMER_OUT_MS', 'TIMER_ENQUEUE_MS'],
  ...[
    'TIMER_DEQUEUE_MS',
    'TIMER_ROLL_TIMES',
    'TIMER_DEL_UNIQKEY',
    'TIMER_DELAY_LEVEL',
    'POP_CK',
    'POP_CK_OFFSET',
  ],
  ...[
    '1ST_POP_TIME',
    'CORRELATION_ID',
    'REPLY_TO_CLIENT',
    'TTL',
    'MSG_TYPE',
    'ARRIVE_TIME',
    'PUSH_REPLY_TIME',
  ],
  ...['DUP_INFO', 'TRANSFER_FLAG', 'CORRECTION_FLAG', 'MQ2_FLAG', '__CRC32#'],
]);

export function isReservedProperty(name: string): boolean {
  return RESERVED.has(name) || name.startsWith('__RMQ.TRANSIENT.');
}

/**
 * `name` U+0001 `value` U+0002, repeated. Entries that are `undefined` or empty are left out, as a broker would
 * skip them. Throws when a name or value holds one of the separators: it would forge other properties.
 */
export function encodeProperties(properties: Readonly<Record<string, string | undefined>>): string {
  let text = '';
  for (const name in properties) text += encodeProperty(name, properties[name]);
  return text;
}

/** One of them. */
export function encodeProperty(name: string, value: string | undefined): string {
  if (value === undefined || value === '') return '';
  if (name === '' || SEPARATORS.test(name) || SEPARATORS.test(value)) {
    throw new ProtocolError(
      'field-invalid',
      `property ${JSON.stringify(name)}: names and values must not hold U+0001 or U+0002`,
    );
  }
  return name + NAME_VALUE + value + ENTRY;
}

/**
 * An object that inherits nothing, because the names come from the peer. Made by a constructor, so that the engine
 * keeps messages with the same names in one shape; what `Object.create(null)` gives is a hash table each.
 */
const Bag = function () {} as unknown as new () => object;
Bag.prototype = Object.create(null) as object;

/**
 * Reads as RocketMQ 5.3.0 does: an entry without a value or shorter than three characters is skipped, and of
 * two entries with one name the last wins.
 */
export function decodeProperties(text: string): MessageProperties {
  const properties = new Bag() as MessageProperties;
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf(ENTRY, start);
    if (end < 0) end = text.length;
    if (end - start >= 3) {
      const middle = text.indexOf(NAME_VALUE, start);
      if (middle > start && middle < end - 1)
        properties[text.slice(start, middle)] = text.slice(middle + 1, end);
    }
    start = end + 1;
  }
  return properties;
}
