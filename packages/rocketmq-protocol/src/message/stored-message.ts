import { crc32 } from 'node:zlib';
import { ProtocolError } from '../errors.ts';
import { decodeIp, encodeIp, type Host } from './host.ts';
import { readInt64, writeInt64 } from './int64.ts';
import {
  decodeProperties,
  encodeProperties,
  MAX_PROPERTIES_BYTES,
  type MessageProperties,
} from './properties.ts';
import { MessageSysFlag } from './sys-flag.ts';

const MAGIC_V1 = 0xdaa320a7 | 0;
const MAGIC_V2 = 0xdaa320ab | 0;
/** Everything but hosts, body, topic and properties; the topic length of V1. */
const FIXED_BYTES = 4 * 5 + 8 * 2 + 4 + 8 + 8 + 4 + 8 + 4 + 1 + 2;

/** A message as a broker stores it and hands it out. */
export interface StoredMessage {
  topic: string;
  queueId: number;
  /** Set by the producer, never looked at. */
  flag: number;
  queueOffset: number;
  /** Position in the broker's commit log; part of the offset message id. */
  physicalOffset: number;
  sysFlag: number;
  /** Milliseconds since 1970. */
  bornTimestamp: number;
  bornHost: Readonly<Host>;
  /** Milliseconds since 1970. */
  storeTimestamp: number;
  storeHost: Readonly<Host>;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  /** As stored: maybe compressed, see sysFlag. A view of the decoded buffer. */
  body: Buffer;
  /** CRC-32 of the stored body, without the sign bit. */
  bodyCrc: number;
  properties: MessageProperties;
  /** Length of the whole record. */
  sizeBytes: number;
}

export interface StoredMessageInput extends Omit<StoredMessage, 'bodyCrc' | 'sizeBytes' | 'properties'> {
  /** A text is taken as already encoded. */
  properties: MessageProperties | string;
}

/** CRC-32 as messages carry it: the sign bit is cut off. */
export function bodyCrc32(body: Buffer): number {
  return crc32(body) & 0x7fffffff;
}

/**
 * Writes the record. V2 is taken when the topic is longer than 127 bytes. The host bits of sysFlag follow the
 * addresses, whatever the caller set.
 */
export function encodeStoredMessage(message: StoredMessageInput): Buffer {
  const topic = Buffer.from(message.topic);
  const properties = Buffer.from(
    typeof message.properties === 'string' ? message.properties : encodeProperties(message.properties),
  );
  if (topic.length === 0 || topic.length > 0x7fff) {
    throw new ProtocolError('field-invalid', `topic of ${topic.length} bytes, allowed are 1 to 32767`);
  }
  if (properties.length > MAX_PROPERTIES_BYTES) {
    throw new ProtocolError(
      'field-invalid',
      `properties of ${properties.length} bytes, allowed are ${MAX_PROPERTIES_BYTES}`,
    );
  }
  const bornIp = encodeIp(message.bornHost.ip);
  const storeIp = encodeIp(message.storeHost.ip);
  const v2 = topic.length > 127;
  const size =
    FIXED_BYTES +
    8 +
    bornIp.length +
    storeIp.length +
    message.body.length +
    topic.length +
    (v2 ? 1 : 0) +
    properties.length;
  const out = Buffer.allocUnsafe(size);
  let sysFlag = message.sysFlag & ~(MessageSysFlag.BORN_HOST_V6 | MessageSysFlag.STORE_HOST_V6);
  if (bornIp.length === 16) sysFlag |= MessageSysFlag.BORN_HOST_V6;
  if (storeIp.length === 16) sysFlag |= MessageSysFlag.STORE_HOST_V6;

  let at = out.writeInt32BE(size, 0);
  at = out.writeInt32BE(v2 ? MAGIC_V2 : MAGIC_V1, at);
  at = out.writeInt32BE(bodyCrc32(message.body), at);
  at = out.writeInt32BE(message.queueId, at);
  at = out.writeInt32BE(message.flag, at);
  at = writeInt64(out, message.queueOffset, at);
  at = writeInt64(out, message.physicalOffset, at);
  at = out.writeInt32BE(sysFlag, at);
  at = writeInt64(out, message.bornTimestamp, at);
  at += bornIp.copy(out, at);
  at = out.writeInt32BE(message.bornHost.port, at);
  at = writeInt64(out, message.storeTimestamp, at);
  at += storeIp.copy(out, at);
  at = out.writeInt32BE(message.storeHost.port, at);
  at = out.writeInt32BE(message.reconsumeTimes, at);
  at = writeInt64(out, message.preparedTransactionOffset, at);
  at = out.writeInt32BE(message.body.length, at);
  at += message.body.copy(out, at);
  at = v2 ? out.writeInt16BE(topic.length, at) : out.writeInt8(topic.length, at);
  at += topic.copy(out, at);
  at = out.writeInt16BE(properties.length, at);
  properties.copy(out, at);
  return out;
}

/** All records of a buffer, as a pull answer carries them. Throws `message-malformed` on the first bad one. */
export function decodeStoredMessages(buffer: Buffer): StoredMessage[] {
  const messages: StoredMessage[] = [];
  let at = 0;
  while (at < buffer.length) {
    const message = decodeStoredMessage(buffer, at);
    messages.push(message);
    at += message.sizeBytes;
  }
  return messages;
}

/** The record that starts at `start`. The CRC is handed out, not checked, as in RocketMQ's own clients. */
export function decodeStoredMessage(buffer: Buffer, start = 0): StoredMessage {
  if (buffer.length - start < FIXED_BYTES + 16) throw malformed(start, 'the record is cut');
  const size = buffer.readInt32BE(start);
  if (size < FIXED_BYTES + 16 || start + size > buffer.length)
    throw malformed(start, `record of ${size} bytes`);
  try {
    return decodeRecord(buffer, start, size);
  } catch (error) {
    if (error instanceof ProtocolError) throw malformed(start, error.message);
    if (error instanceof RangeError) throw malformed(start, 'a field runs over the end');
    throw error;
  }
}

/** Works on the whole buffer: a view of each record would cost more than reading its fields. */
function decodeRecord(buffer: Buffer, start: number, sizeBytes: number): StoredMessage {
  const recordEnd = start + sizeBytes;
  const magic = buffer.readInt32BE(start + 4);
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2)
    throw new ProtocolError('message-malformed', `unknown magic ${magic}`);
  const sysFlag = buffer.readInt32BE(start + 36);
  let at = start + 40;
  const bornTimestamp = readInt64(buffer, at);
  const bornIpBytes = (sysFlag & MessageSysFlag.BORN_HOST_V6) === 0 ? 4 : 16;
  const bornHost = bornHosts.read(buffer, at + 8, bornIpBytes);
  at += 12 + bornIpBytes;
  const storeTimestamp = readInt64(buffer, at);
  const storeIpBytes = (sysFlag & MessageSysFlag.STORE_HOST_V6) === 0 ? 4 : 16;
  const storeHost = storeHosts.read(buffer, at + 8, storeIpBytes);
  at += 12 + storeIpBytes;
  const reconsumeTimes = buffer.readInt32BE(at);
  const preparedTransactionOffset = readInt64(buffer, at + 4);
  const bodyStart = at + 16;
  const bodyEnd = end(recordEnd, bodyStart, buffer.readInt32BE(at + 12), 'body');
  const topicStart = bodyEnd + (magic === MAGIC_V2 ? 2 : 1);
  const topicLength = magic === MAGIC_V2 ? buffer.readInt16BE(bodyEnd) : buffer.readInt8(bodyEnd);
  const topicEnd = end(recordEnd, topicStart, topicLength, 'topic');
  const propertiesStart = topicEnd + 2;
  const propertiesEnd = end(recordEnd, propertiesStart, buffer.readInt16BE(topicEnd), 'properties');
  return {
    topic: buffer.toString('utf8', topicStart, topicEnd),
    queueId: buffer.readInt32BE(start + 12),
    flag: buffer.readInt32BE(start + 16),
    queueOffset: readInt64(buffer, start + 20),
    physicalOffset: readInt64(buffer, start + 28),
    sysFlag,
    bornTimestamp,
    bornHost,
    storeTimestamp,
    storeHost,
    reconsumeTimes,
    preparedTransactionOffset,
    body: buffer.subarray(bodyStart, bodyEnd),
    bodyCrc: buffer.readInt32BE(start + 8),
    properties: decodeProperties(buffer.toString('utf8', propertiesStart, propertiesEnd)),
    sizeBytes,
  };
}

/** Reads addresses, of which many messages in a row have the same: the last one is handed out again. */
class HostReader {
  #ip = Buffer.alloc(0);
  #host: Host = { ip: '', port: 0 };

  read(buffer: Buffer, at: number, ipBytes: number): Host {
    const port = buffer.readInt32BE(at + ipBytes);
    const isSame = this.#ip.length === ipBytes && this.#ip.compare(buffer, at, at + ipBytes) === 0;
    if (isSame && port === this.#host.port) return this.#host;
    this.#ip = Buffer.from(buffer.subarray(at, at + ipBytes));
    this.#host = { ip: decodeIp(this.#ip), port };
    return this.#host;
  }
}

const bornHosts = new HostReader();
const storeHosts = new HostReader();

function end(recordEnd: number, start: number, length: number, what: string): number {
  if (length < 0 || start + length > recordEnd) {
    throw new ProtocolError('message-malformed', `${what} of ${length} bytes runs over the end`);
  }
  return start + length;
}

function malformed(start: number, detail: string): ProtocolError {
  return new ProtocolError('message-malformed', `stored message at byte ${start}: ${detail}`);
}
