import { createHash } from 'node:crypto';
import { type InboxMessage, type ReceivedMessage } from './message.ts';

/** A received message, ready to be stored. With an `error` it is stored as dead and never applied. */
export interface Incoming extends InboxMessage {
  readonly payloadText: string | null;
  readonly headersText: string | null;
  /** The bytes as they came; kept in the row only when they are no JSON. */
  readonly body: Uint8Array;
  readonly error: string | null;
}

const MAX_KEY_LENGTH = 255;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads what came over the wire; whatever is wrong with it is written down, nothing is thrown. */
export function decode(message: ReceivedMessage): Incoming {
  const body = typeof message.body === 'string' ? Buffer.from(message.body) : message.body;
  const problems: string[] = [];
  const messageKey = keyOf(message, body, problems);
  const { text, payload } = parseBody(message.body, problems);
  const headers = cleanHeaders(message.headers ?? {});
  return {
    messageKey,
    topic: clean(message.topic, 255),
    tag: message.tag === undefined ? undefined : clean(message.tag, 255),
    shardingKey: clean(message.shardingKey ?? messageKey, MAX_KEY_LENGTH),
    payload,
    headers,
    messageId: message.messageId === undefined ? undefined : clean(message.messageId, 255),
    payloadText: text,
    headersText: Object.keys(headers).length === 0 ? null : JSON.stringify(headers),
    body,
    error: problems.length === 0 ? null : problems.join('; '),
  };
}

/** The same message as a dead one: for bodies that JavaScript reads and the database does not. */
export function asDead(incoming: Incoming, error: string): Incoming {
  return { ...incoming, payloadText: null, headersText: null, error };
}

/** The business key. In its place, for a message without a good one, a name that a redelivery has too. */
function keyOf(message: ReceivedMessage, body: Uint8Array, problems: string[]): string {
  const key: unknown = message.messageKey;
  if (typeof key === 'string' && key.length > 0 && key.length <= MAX_KEY_LENGTH && !key.includes('\0'))
    return key;
  if (key === undefined || key === '') problems.push('the message has no key');
  else problems.push(`the message key is not text of 1 to ${MAX_KEY_LENGTH} characters without U+0000`);
  const given = typeof key === 'string' ? key : '';
  const digest = createHash('sha256')
    .update(`${message.topic}\n${message.messageId ?? ''}\n${given}\n`)
    .update(body);
  return `(no key) ${digest.digest('hex').slice(0, 32)}`;
}

function parseBody(body: Uint8Array | string, problems: string[]): { text: string | null; payload: unknown } {
  try {
    const text = typeof body === 'string' ? body : utf8.decode(body);
    return { payload: JSON.parse(text) as unknown, text };
  } catch (error) {
    problems.push(`the body is not JSON in UTF-8: ${(error as Error).message.slice(0, 200)}`);
    return { text: null, payload: undefined };
  }
}

function cleanHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const cleaned: Record<string, string> = {};
  for (const name of Object.keys(headers)) cleaned[clean(name, 1000)] = clean(String(headers[name]), 32_000);
  return cleaned;
}

/** Text that PostgreSQL can store. */
function clean(text: string, maxLength: number): string {
  if (text.length <= maxLength && !text.includes('\0')) return text;
  return text.replaceAll('\0', '\uFFFD').slice(0, maxLength);
}
