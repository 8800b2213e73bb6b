import { GrowingBuffer } from './growing-buffer.ts';
import { xxhash32 } from './xxhash32.ts';

const MAGIC = 0x184d2204;
const FLAG = { independent: 0x20, blockChecksum: 0x10, contentSize: 0x08, contentChecksum: 0x04 } as const;
const RESERVED_OR_DICTIONARY = 0x03;
const VERSION_MASK = 0xc0;
const VERSION = 0x40;
const STORED = 0x8000_0000;
const MIN_MATCH = 4;

/**
 * Reads bodies in the LZ4 frame format, as Java's LZ4FrameOutputStream writes it, one frame or several. Sizes,
 * distances and checksums are all verified.
 *
 * @throws RangeError when the bytes are no such frame, or hold more than `maxBytes`.
 */
export function decompressLz4Frame(bytes: Buffer, maxBytes: number): Buffer {
  const out = new GrowingBuffer(bytes.length * 4, maxBytes);
  let at = 0;
  do at = readFrame(bytes, at, out);
  while (at < bytes.length);
  return out.bytes;
}

function readFrame(bytes: Buffer, start: number, out: GrowingBuffer): number {
  if (bytes.readUInt32LE(start) !== MAGIC) throw new RangeError('it does not begin like an LZ4 frame');
  const flags = bytes.readUInt8(start + 4);
  if ((flags & VERSION_MASK) !== VERSION || (flags & RESERVED_OR_DICTIONARY) !== 0)
    throw new RangeError(`LZ4 frame with flags 0x${flags.toString(16)}`);
  const maxBlockBytes = blockBytes(bytes.readUInt8(start + 5));
  let at = start + 6 + ((flags & FLAG.contentSize) === 0 ? 0 : 8);
  const descriptor = bytes.subarray(start + 4, at);
  if (bytes.readUInt8(at++) !== ((xxhash32(descriptor) >>> 8) & 0xff)) throw wrongChecksum('header');

  const contentStart = out.length;
  for (;;) {
    const sizeField = bytes.readUInt32LE(at);
    at += 4;
    if (sizeField === 0) break;
    const size = sizeField & ~STORED;
    if (size > maxBlockBytes || at + size > bytes.length) throw tooShort();
    const block = bytes.subarray(at, at + size);
    at += size;
    if ((flags & FLAG.blockChecksum) !== 0) {
      if (bytes.readUInt32LE(at) !== xxhash32(block)) throw wrongChecksum('block');
      at += 4;
    }
    const blockStart = out.length;
    if ((sizeField & STORED) !== 0) out.append(block);
    else readBlock(block, out, (flags & FLAG.independent) === 0 ? contentStart : blockStart);
    if (out.length - blockStart > maxBlockBytes) throw new RangeError('LZ4 block larger than its frame says');
  }
  if ((flags & FLAG.contentChecksum) !== 0) {
    if (bytes.readUInt32LE(at) !== xxhash32(out.bytes.subarray(contentStart))) throw wrongChecksum('content');
    at += 4;
  }
  const claimed = (flags & FLAG.contentSize) === 0 ? undefined : bytes.readBigUInt64LE(start + 6);
  if (claimed !== undefined && claimed !== BigInt(out.length - contentStart))
    throw new RangeError('LZ4 frame of another size than it says');
  return at;
}

/** Copies of bytes from `historyStart` on, and new ones, in turn; the last sequence has new bytes only. */
function readBlock(block: Buffer, out: GrowingBuffer, historyStart: number): void {
  let at = 0;
  const lengthFrom = (half: number): number => {
    let length = half;
    if (half !== 15) return length;
    let more: number;
    do length += more = block.readUInt8(at++);
    while (more === 255);
    return length;
  };
  for (;;) {
    const token = block.readUInt8(at++);
    const literals = lengthFrom(token >>> 4);
    if (at + literals > block.length) throw tooShort();
    out.append(block.subarray(at, at + literals));
    at += literals;
    if (at === block.length) return;
    const distance = block.readUInt16LE(at);
    at += 2;
    if (distance === 0 || distance > out.length - historyStart)
      throw new RangeError('LZ4 block that copies what is not there');
    out.repeat(distance, lengthFrom(token & 15) + MIN_MATCH);
  }
}

function blockBytes(descriptor: number): number {
  const code = descriptor >>> 4;
  if (code < 4 || code > 7 || (descriptor & 0x8f) !== 0)
    throw new RangeError(`LZ4 frame with block size 0x${descriptor.toString(16)}`);
  return 1 << (8 + 2 * code);
}

function wrongChecksum(part: string): RangeError {
  return new RangeError(`LZ4 frame whose ${part} has another checksum`);
}

function tooShort(): RangeError {
  return new RangeError('LZ4 frame that ends too soon');
}
