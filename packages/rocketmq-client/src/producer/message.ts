import { deflate } from 'node:zlib';
import { promisify } from 'node:util';
import {
  encodeProperties,
  encodeProperty,
  isReservedProperty,
  isValidName,
  MAX_PROPERTIES_BYTES,
  MAX_TOPIC_LENGTH,
  MessageProperty,
  MessageSysFlag,
} from '@dt/rocketmq-protocol';
import { messageOf, SendError } from '../errors.ts';

/** A message to be sent. */
export interface Message {
  topic: string;
  /** Consumers choose by it. */
  tag?: string | undefined;
  /** Business keys for look-ups; no blanks within one. */
  keys?: string | readonly string[] | undefined;
  /** Messages of one key go to one queue and stay in order. */
  shardingKey?: string | undefined;
  /** At least one byte, at most 4 MiB. */
  body: Buffer | string;
  /** Names the protocol uses itself are refused. */
  properties?: Readonly<Record<string, string>> | undefined;
  /** 1 to 18 (1 s to 2 h) of the broker's table; 0 is none. */
  delayLevel?: number | undefined;
  /**
   * When consumers get it, a Date or milliseconds since 1970; up to a second early. One in the past is delivered at
   * once; a broker takes none beyond `timerMaxDelaySec`, 3 days. For RocketMQ 5.
   */
  deliverAt?: Date | number | undefined;
  /** The same, counted from the broker's taking it. */
  delayMs?: number | undefined;
}

/** A message checked and ready to be written. */
export interface EncodedMessage {
  readonly topic: string;
  readonly shardingKey: string | undefined;
  readonly delayed: boolean;
  readonly messageId: string;
  readonly body: Buffer;
  readonly properties: string;
  readonly propertiesBytes: number;
}

export const MAX_BODY_BYTES = 4 * 1024 * 1024;

const deflateAsync = promisify(deflate);

/** Checks and encodes; throws SendError `message-invalid` for what a broker would refuse anyway. */
export function encodeMessage(
  message: Message,
  messageId: string,
  own?: Readonly<Record<string, string>>,
): EncodedMessage {
  const { topic, body } = message;
  if (typeof topic !== 'string' || !isValidName(topic, MAX_TOPIC_LENGTH)) {
    throw invalid(`topic ${JSON.stringify(topic)} is not a topic name`);
  }
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  if (!Buffer.isBuffer(bytes)) throw invalid('body is neither a Buffer nor a text');
  if (bytes.length === 0 || bytes.length > MAX_BODY_BYTES) {
    throw invalid(`body of ${bytes.length} bytes, allowed are 1 to ${MAX_BODY_BYTES}`);
  }
  const properties = propertiesOf(message, messageId, own);
  const propertiesBytes = Buffer.byteLength(properties);
  if (propertiesBytes > MAX_PROPERTIES_BYTES) {
    throw invalid(`properties of ${propertiesBytes} bytes, allowed are ${MAX_PROPERTIES_BYTES}`);
  }
  return {
    topic,
    shardingKey: message.shardingKey,
    delayed: isDelayed(message),
    messageId,
    body: bytes,
    properties,
    propertiesBytes,
  };
}

/** A body from this size on in zlib at level 5, as Java does it: every client can read it. */
export async function compressBody(
  body: Buffer,
  fromBytes: number,
): Promise<{ body: Buffer; sysFlag: number }> {
  if (body.length < fromBytes) return { body, sysFlag: 0 };
  const compressed = await deflateAsync(body, { level: 5 });
  if (compressed.length >= body.length) return { body, sysFlag: 0 };
  return { body: compressed, sysFlag: MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_ZLIB };
}

/** Put together as a text at once: a producer of batches makes half a million of them a second. */
function propertiesOf(
  message: Message,
  messageId: string,
  own: Readonly<Record<string, string>> | undefined,
): string {
  try {
    return (
      (own === undefined ? '' : encodeProperties(own)) +
      userProperties(message.properties) +
      encodeProperty(MessageProperty.TAGS, tag(message.tag)) +
      encodeProperty(MessageProperty.KEYS, keys(message.keys)) +
      encodeProperty(MessageProperty.SHARDING_KEY, message.shardingKey) +
      deliveryTime(message) +
      encodeProperty(MessageProperty.UNIQ_KEY, messageId)
    );
  } catch (error) {
    throw error instanceof SendError ? error : invalid(messageOf(error), error);
  }
}

function userProperties(properties: Message['properties']): string {
  let text = '';
  for (const name in properties) {
    const value = properties[name];
    if (isReservedProperty(name)) throw invalid(`property ${name} is used by the protocol itself`);
    if (typeof value !== 'string') throw invalid(`property ${name} is not a text`);
    text += encodeProperty(name, value);
  }
  return text;
}

/** Batches cannot carry such messages. */
export function isDelayed({ delayLevel, deliverAt, delayMs }: Message): boolean {
  return (delayLevel ?? 0) > 0 || deliverAt !== undefined || delayMs !== undefined;
}

function deliveryTime({ delayLevel = 0, deliverAt, delayMs }: Message): string {
  if (!Number.isInteger(delayLevel) || delayLevel < 0)
    throw invalid(`delayLevel ${delayLevel} is not an integer from 0 up`);
  if (Number(delayLevel > 0) + Number(deliverAt !== undefined) + Number(delayMs !== undefined) > 1)
    throw invalid('delayLevel, deliverAt and delayMs exclude each other');
  if (delayLevel > 0) return encodeProperty(MessageProperty.DELAY, String(delayLevel));
  if (deliverAt !== undefined) {
    const time = deliverAt instanceof Date ? deliverAt.getTime() : deliverAt;
    return encodeProperty(MessageProperty.TIMER_DELIVER_MS, milliseconds('deliverAt', time));
  }
  if (delayMs === undefined) return '';
  return encodeProperty(MessageProperty.TIMER_DELAY_MS, milliseconds('delayMs', delayMs));
}

function milliseconds(name: string, value: number): string {
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  throw invalid(`${name} ${String(value)} is not a whole number of milliseconds from 0 up`);
}

function tag(value: string | undefined): string | undefined {
  // A subscription could never name such a tag.
  if (value !== undefined && (value.includes('||') || value.trim() !== value)) {
    throw invalid(`tag ${JSON.stringify(value)} holds "||" or blanks at an end`);
  }
  return value;
}

function keys(value: string | readonly string[] | undefined): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  for (const key of value) {
    if (/\s/.test(key)) throw invalid(`key ${JSON.stringify(key)} holds a blank, which parts keys`);
  }
  return value.join(' ');
}

function invalid(text: string, cause?: unknown): SendError {
  return new SendError('message-invalid', text, { cause });
}
