import { ProtocolError } from '../errors.ts';
import { encodeProperties, MAX_PROPERTIES_BYTES, type MessageProperties } from './properties.ts';

/** size, magic, crc, flag, body length, properties length */
const FIXED_BYTES = 4 * 5 + 2;

export interface BatchEntryInput {
  body: Buffer;
  /** A text is taken as already encoded. */
  properties: MessageProperties | string;
  /** Bytes of an encoded text where they are known. @default counted */
  propertiesBytes?: number;
  /** @default 0 */
  flag?: number;
}

/** One message of a batch body. */
export interface BatchEntry {
  flag: number;
  /** A view of the decoded buffer. */
  body: Buffer;
  /** Encoded properties; a broker appends the batch's own to them. */
  propertiesText: string;
}

/** Bytes one message takes in a batch body. */
export function batchEntryBytes(bodyBytes: number, propertiesBytes: number): number {
  return FIXED_BYTES + bodyBytes + propertiesBytes;
}

/** The body of a SEND_BATCH_MESSAGE, in memory that `allocate` gives. */
export function encodeBatchBody(
  entries: readonly BatchEntryInput[],
  allocate: (bytes: number) => Buffer = (bytes) => Buffer.allocUnsafe(bytes),
): Buffer {
  const texts: string[] = [];
  const textBytes: number[] = [];
  let size = 0;
  for (const entry of entries) {
    const text = typeof entry.properties === 'string' ? entry.properties : encodeProperties(entry.properties);
    const bytes = entry.propertiesBytes ?? Buffer.byteLength(text);
    if (bytes > MAX_PROPERTIES_BYTES) {
      throw new ProtocolError(
        'field-invalid',
        `properties of ${bytes} bytes, allowed are ${MAX_PROPERTIES_BYTES}`,
      );
    }
    texts.push(text);
    textBytes.push(bytes);
    size += batchEntryBytes(entry.body.length, bytes);
  }
  const out = allocate(size);
  let at = 0;
  let index = 0;
  for (const entry of entries) {
    const text = texts[index] ?? '';
    const bytes = textBytes[index++] ?? 0;
    at = out.writeInt32BE(batchEntryBytes(entry.body.length, bytes), at);
    at = out.writeInt32BE(0, at);
    at = out.writeInt32BE(0, at);
    at = out.writeInt32BE(entry.flag ?? 0, at);
    at = out.writeInt32BE(entry.body.length, at);
    at += entry.body.copy(out, at);
    at = out.writeInt16BE(bytes, at);
    at += out.write(text, at, bytes === text.length ? 'latin1' : 'utf8');
  }
  return out;
}

/** Throws `message-malformed` on the first bad entry. */
export function decodeBatchBody(buffer: Buffer): BatchEntry[] {
  const entries: BatchEntry[] = [];
  let at = 0;
  while (at < buffer.length) {
    if (buffer.length - at < FIXED_BYTES) throw malformed(at, 'the entry is cut');
    const size = buffer.readInt32BE(at);
    if (size < FIXED_BYTES || at + size > buffer.length) throw malformed(at, `entry of ${size} bytes`);
    const bodyLength = buffer.readInt32BE(at + 16);
    if (bodyLength < 0 || bodyLength > size - FIXED_BYTES) throw malformed(at, `body of ${bodyLength} bytes`);
    const bodyEnd = at + 20 + bodyLength;
    const propertiesLength = buffer.readInt16BE(bodyEnd);
    if (propertiesLength !== size - FIXED_BYTES - bodyLength) {
      throw malformed(at, `properties of ${propertiesLength} bytes`);
    }
    entries.push({
      flag: buffer.readInt32BE(at + 12),
      body: buffer.subarray(at + 20, bodyEnd),
      propertiesText: buffer.toString('utf8', bodyEnd + 2, bodyEnd + 2 + propertiesLength),
    });
    at += size;
  }
  return entries;
}

function malformed(at: number, detail: string): ProtocolError {
  return new ProtocolError('message-malformed', `batch body at byte ${at}: ${detail}`);
}
