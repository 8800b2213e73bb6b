import { OutboxError } from '../errors.ts';

/** A message for the outbox. */
export interface OutboxMessage {
  /** 1 to 127 of `A-Z a-z 0-9 _ - . % |`. */
  readonly topic: string;
  /** 1 to 127 characters without blanks and `|`. */
  readonly tag?: string | undefined;
  /** Business key, 1 to 255 characters without blanks; the receiver dedupes on it. */
  readonly messageKey: string;
  /** Messages of one sharding key are sent in the order in which they were enqueued; 1 to 255 characters. */
  readonly shardingKey: string;
  /** Anything `JSON.stringify` turns into an object or array. */
  readonly payload: object;
  /** String properties that travel with the message, such as `traceparent`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface MessageLimits {
  readonly maxPayloadBytes: number;
  readonly maxHeadersBytes: number;
}

/** JSON texts of one valid message. */
export interface EncodedMessage {
  readonly payload: string;
  readonly headers: string | null;
}

const TOPIC = /^[A-Za-z0-9_.%|-]{1,127}$/;
const TAG = /^[^\s|\p{Cc}]{1,127}$/u;
const KEY = /^[^\s\p{Cc}]{1,255}$/u;
const SHARDING_KEY = /^[^\p{Cc}]{1,255}$/u;
const HEADER_NAME = /^[^\s\p{Cc}]{1,255}$/u;
// `\u0000` and half a surrogate pair, behind an even number of backslashes: PostgreSQL cannot hold them as text, and
// the row would fail whoever reads a field of it.
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i;

/**
 * @throws OutboxError `invalid-message`, naming the message's place, the field, the value and what is allowed. Nothing
 * has been sent to the database then.
 */
export function encodeMessage(message: OutboxMessage, index: number, limits: MessageLimits): EncodedMessage {
  matches(message.topic, TOPIC, index, 'topic', '1 to 127 of A-Z a-z 0-9 _ - . % |');
  if (message.tag !== undefined)
    matches(message.tag, TAG, index, 'tag', '1 to 127 characters without blanks and |');
  matches(message.messageKey, KEY, index, 'messageKey', '1 to 255 characters without blanks');
  matches(
    message.shardingKey,
    SHARDING_KEY,
    index,
    'shardingKey',
    '1 to 255 characters without control characters',
  );
  return {
    payload: encodePayload(message.payload, index, limits.maxPayloadBytes),
    headers:
      message.headers === undefined ? null : encodeHeaders(message.headers, index, limits.maxHeadersBytes),
  };
}

function matches(value: unknown, pattern: RegExp, index: number, field: string, allowed: string): void {
  if (typeof value !== 'string' || !pattern.test(value))
    throw refused(index, field, describe(value), allowed);
}

function encodePayload(payload: unknown, index: number, maxBytes: number): string {
  const allowed = `an object that JSON can hold in ${maxBytes} bytes`;
  if (typeof payload !== 'object' || payload === null)
    throw refused(index, 'payload', describe(payload), allowed);
  let text: unknown;
  try {
    text = JSON.stringify(payload);
  } catch (error) {
    throw refused(index, 'payload', (error as Error).message, allowed, error);
  }
  if (typeof text !== 'string' || (text[0] !== '{' && text[0] !== '[')) {
    throw refused(index, 'payload', `JSON ${String(text).slice(0, 40)}`, allowed);
  }
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) {
    throw refused(index, 'payload', `${Buffer.byteLength(text)} bytes of JSON`, allowed);
  }
  refuseUnstorable(text, index, 'payload');
  return text;
}

function encodeHeaders(
  headers: Readonly<Record<string, string>>,
  index: number,
  maxBytes: number,
): string | null {
  const allowed = `a record of strings of at most ${maxBytes} bytes as JSON`;
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw refused(index, 'headers', describe(headers), allowed);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!HEADER_NAME.test(name)) throw refused(index, 'headers', `the name ${describe(name)}`, allowed);
    if (typeof value !== 'string') throw refused(index, `headers.${name}`, describe(value), 'a string');
  }
  const text = JSON.stringify(headers);
  if (text === '{}') return null;
  if (Buffer.byteLength(text) > maxBytes)
    throw refused(index, 'headers', `${Buffer.byteLength(text)} bytes`, allowed);
  refuseUnstorable(text, index, 'headers');
  return text;
}

function refuseUnstorable(text: string, index: number, field: string): void {
  if (text.includes('\\u') && UNSTORABLE.test(text)) {
    throw refused(
      index,
      field,
      'a string with U+0000 or half a surrogate pair',
      'text that PostgreSQL can store',
    );
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') {
    const cut = value.length > 80 ? `${value.slice(0, 80)}… (${value.length} characters)` : value;
    return JSON.stringify(cut);
  }
  return value === null ? 'null' : typeof value;
}

function refused(index: number, field: string, value: string, allowed: string, cause?: unknown): OutboxError {
  return new OutboxError(
    'invalid-message',
    `enqueue: messages[${index}].${field} is ${value}, allowed is ${allowed}`,
    { cause },
  );
}
