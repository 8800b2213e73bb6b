const DIGITS = Buffer.from('0123456789ABCDEF');
const OFFSET_DIGITS = 16;
const HIGH = 0x1_0000_0000;

/**
 * Makes the ids that producers are told: address and port of the store, physical offset, in upper-case hex; those of
 * a batch separated by commas. Written digit by digit: as text, numbers of more than 31 bits take ten times as long.
 */
export function offsetIdsOf(storeHost: Buffer): (physicalOffsets: readonly number[]) => string {
  const blank = Buffer.from(`${storeHost.toString('hex').toUpperCase()}${'0'.repeat(OFFSET_DIGITS)},`);
  return (physicalOffsets) => {
    const out = Buffer.allocUnsafe(physicalOffsets.length * blank.length);
    let start = 0;
    for (const offset of physicalOffsets) {
      out.set(blank, start);
      start += blank.length;
      writeDigits(out, offset >>> 0, start - 2);
      writeDigits(out, Math.floor(offset / HIGH), start - 2 - OFFSET_DIGITS / 2);
    }
    return out.toString('latin1', 0, start - 1);
  };
}

/** Up to `last`; leading zeros are there. */
function writeDigits(out: Buffer, value: number, last: number): void {
  for (let at = last; value > 0; at--, value >>>= 4) out[at] = DIGITS[value & 15] ?? 0;
}
