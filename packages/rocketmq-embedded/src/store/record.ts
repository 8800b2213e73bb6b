import { crc32 } from 'node:zlib';

/**
 * The log is a sequence of records: a CRC-32 (4 bytes) over the stored message, then the stored message exactly as
 * pulls hand it out. The physical offset of a message is the position of the stored message, behind the checksum.
 */
export const CHECKSUM_BYTES = 4;

const MAGIC_V1 = 0xdaa320a7 | 0;
const MAGIC_V2 = 0xdaa320ab | 0;
/** The bytes both of them start with. */
export const MAGIC_PREFIX = Buffer.from([0xda, 0xa3, 0x20]);
/** Of the physical offset, from the start of a message. */
export const PHYSICAL_OFFSET_AT = 28;
const HIGH = 0x1_0000_0000;
const BORN_HOST_V6 = 0x10;
const STORE_HOST_V6 = 0x20;
/** All fields but hosts, body, topic and properties, with the one-byte topic length of V1. */
const FIXED_BYTES = 75;
/** A message with two IPv4 hosts, no body and a topic of one byte. */
export const MIN_MESSAGE_BYTES = FIXED_BYTES + 16 + 1;

/** A message on its way into the log. */
export interface NewMessage {
  queueId: number;
  flag: number;
  sysFlag: number;
  bornTimestamp: number;
  /** Address and port as messages carry them: 8 bytes (IPv4) or 20 (IPv6). */
  bornHost: Buffer;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  body: Buffer;
  /** Encoded properties. */
  properties: string;
}

/** What the store adds to a message. */
export interface Placement {
  topicBytes: Buffer;
  queueOffset: number;
  physicalOffset: number;
  storeTimestamp: number;
  storeHost: Buffer;
}

/** Size of the stored message, without its checksum. */
export function messageBytes(
  message: NewMessage,
  topicBytes: number,
  propertiesBytes: number,
  storeHostBytes: number,
): number {
  const v2 = topicBytes > 127 ? 1 : 0;
  return (
    FIXED_BYTES +
    message.bornHost.length +
    storeHostBytes +
    message.body.length +
    topicBytes +
    v2 +
    propertiesBytes
  );
}

/**
 * Writes checksum and message at `start`; `size` comes from messageBytes. Written straight into the buffer that
 * goes to the disk: this is the inner loop of every send.
 */
export function writeRecord(
  out: Buffer,
  start: number,
  size: number,
  message: NewMessage,
  place: Placement,
): void {
  const v2 = place.topicBytes.length > 127;
  let sysFlag = message.sysFlag & ~(BORN_HOST_V6 | STORE_HOST_V6);
  if (message.bornHost.length === 20) sysFlag |= BORN_HOST_V6;
  if (place.storeHost.length === 20) sysFlag |= STORE_HOST_V6;
  const first = start + CHECKSUM_BYTES;
  let at = out.writeInt32BE(size, first);
  at = out.writeInt32BE(v2 ? MAGIC_V2 : MAGIC_V1, at);
  at = out.writeInt32BE(crc32(message.body) & 0x7fffffff, at);
  at = out.writeInt32BE(message.queueId, at);
  at = out.writeInt32BE(message.flag, at);
  at = writeInt64(out, place.queueOffset, at);
  at = writeInt64(out, place.physicalOffset, at);
  at = out.writeInt32BE(sysFlag, at);
  at = writeInt64(out, message.bornTimestamp, at);
  at += message.bornHost.copy(out, at);
  at = writeInt64(out, place.storeTimestamp, at);
  at += place.storeHost.copy(out, at);
  at = out.writeInt32BE(message.reconsumeTimes, at);
  at = writeInt64(out, message.preparedTransactionOffset, at);
  at = out.writeInt32BE(message.body.length, at);
  at += message.body.copy(out, at);
  at = v2 ? out.writeInt16BE(place.topicBytes.length, at) : out.writeInt8(place.topicBytes.length, at);
  at += place.topicBytes.copy(out, at);
  const propertiesAt = at + 2;
  const propertiesBytes = out.write(message.properties, propertiesAt);
  out.writeInt16BE(propertiesBytes, at);
  out.writeUInt32BE(crc32(out.subarray(first, first + size)), start);
}

/** Whether a whole record with the right checksum starts at `start`. */
export function isIntact(bytes: Buffer, start: number, size: number): boolean {
  const first = start + CHECKSUM_BYTES;
  if (first + size > bytes.length || bytes.readInt32BE(first) !== size) return false;
  return crc32(bytes.subarray(first, first + size)) === bytes.readUInt32BE(start);
}

/** What a restart needs to know of a message. */
export interface RecordSummary {
  topic: string;
  queueId: number;
  queueOffset: number;
  physicalOffset: number;
  storeTimestamp: number;
  properties: string;
}

/** Reads an intact message at `start` (behind its checksum). */
export function summarize(bytes: Buffer, start: number): RecordSummary {
  const v2 = bytes.readInt32BE(start + 4) === MAGIC_V2;
  const sysFlag = bytes.readInt32BE(start + 36);
  const afterBornHost = start + 48 + ((sysFlag & BORN_HOST_V6) === 0 ? 8 : 20);
  const afterHosts = afterBornHost + 8 + ((sysFlag & STORE_HOST_V6) === 0 ? 8 : 20);
  const topicAt = afterHosts + 16 + bytes.readInt32BE(afterHosts + 12);
  const topicStart = topicAt + (v2 ? 2 : 1);
  const topicEnd = topicStart + (v2 ? bytes.readInt16BE(topicAt) : bytes.readInt8(topicAt));
  return {
    topic: bytes.toString('utf8', topicStart, topicEnd),
    queueId: bytes.readInt32BE(start + 12),
    queueOffset: readInt64(bytes, start + 20),
    physicalOffset: readInt64(bytes, start + PHYSICAL_OFFSET_AT),
    storeTimestamp: readInt64(bytes, afterBornHost),
    properties: bytes.toString('utf8', topicEnd + 2, topicEnd + 2 + bytes.readInt16BE(topicEnd)),
  };
}

export function readStoreTimestamp(bytes: Buffer, start: number): number {
  const sysFlag = bytes.readInt32BE(start + 36);
  return readInt64(bytes, start + 48 + ((sysFlag & BORN_HOST_V6) === 0 ? 8 : 20));
}

export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * HIGH + bytes.readUInt32BE(at + 4);
}

function writeInt64(out: Buffer, value: number, at: number): number {
  out.writeInt32BE(Math.floor(value / HIGH), at);
  return out.writeInt32BE(value | 0, at + 4);
}
