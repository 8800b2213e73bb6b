import { Decompress } from 'fzstd';
import { GrowingBuffer } from './growing-buffer.ts';

const MAGIC = 0xfd2fb528;
/** More than levels 1 to 19 of zstd ask for (8 MiB); it is needed as a whole even for a small body. */
const MAX_WINDOW_BYTES = 64 * 1024 * 1024;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;

/**
 * Reads a body of one Zstandard frame, as Java's ZstdOutputStream writes it.
 *
 * @throws Error when the bytes are no such frame, or hold more than `maxBytes`.
 */
export function decompressZstdFrame(bytes: Buffer, maxBytes: number): Buffer {
  checkFrame(bytes);
  const out = new GrowingBuffer(bytes.length * 4, maxBytes);
  const stream = new Decompress((chunk) => out.append(chunk));
  stream.push(bytes, true);
  return out.bytes;
}

/**
 * The decoder makes room for whatever window a frame claims, and goes on with a next frame: neither is let through to
 * it unseen. Blocks name their sizes, so the whole frame can be walked through without decoding it.
 */
function checkFrame(bytes: Buffer): void {
  if (bytes.readUInt32LE(0) !== MAGIC) throw new RangeError('it does not begin like a zstd frame');
  const descriptor = bytes.readUInt8(4);
  const single = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x0b) !== 0)
    throw new RangeError('zstd frame that needs a dictionary, or of a later version');
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0;
  let at = 5 + (single ? 0 : 1);
  const window = single ? contentSize(bytes, at, sizeBytes) : windowBytes(bytes.readUInt8(5));
  if (window > MAX_WINDOW_BYTES)
    throw new RangeError(`zstd frame that needs ${window} bytes, allowed are ${MAX_WINDOW_BYTES}`);
  at += sizeBytes;
  for (let last = false; !last;) {
    const header = bytes.readUIntLE(at, 3);
    const type = (header >>> 1) & 3;
    if (type === BLOCK_RESERVED) throw new RangeError('zstd block of an unknown type');
    last = (header & 1) !== 0;
    at += 3 + (type === BLOCK_RLE ? 1 : header >>> 3);
  }
  if ((descriptor & 0x04) !== 0) at += 4;
  if (at !== bytes.length) throw new RangeError('zstd frame that ends elsewhere than the body');
}

function contentSize(bytes: Buffer, at: number, sizeBytes: number): number {
  if (sizeBytes === 8) return Number(bytes.readBigUInt64LE(at));
  return bytes.readUIntLE(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
}

function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}
