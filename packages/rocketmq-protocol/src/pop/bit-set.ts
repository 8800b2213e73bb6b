import { ProtocolError } from '../errors.ts';

/** A pop gives at most 32 messages, but filtered ones lie far apart: bits beyond are refused, not allocated. */
const MAX_BITS = 8 * 65_536;

/** Base64 of a little-endian bit set, as Java's `BitSet.toByteArray` makes it. Bits {0, 2, 9} are `BQI=`. */
export function encodeBitSet(bits: readonly number[]): string {
  const highest = bits.reduce((max, bit) => Math.max(max, bit), -1);
  if (highest >= MAX_BITS || bits.some((bit) => !Number.isInteger(bit) || bit < 0))
    throw new ProtocolError('field-invalid', `a bit set takes bits from 0 to ${MAX_BITS - 1}`);
  const bytes = Buffer.alloc(Math.floor(highest / 8) + 1);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  return bytes.toString('base64');
}

/** The bits that are set, rising. Throws `field-invalid`. */
export function decodeBitSet(text: string): number[] {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length > MAX_BITS / 8 || bytes.toString('base64') !== text)
    throw new ProtocolError('field-invalid', `${JSON.stringify(text.slice(0, 64))} is no bit set`);
  const bits: number[] = [];
  for (const [at, byte] of bytes.entries())
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) bits.push(at * 8 + bit);
  return bits;
}
