import { createHash } from 'node:crypto';
import type { RandomBelow } from '@dt/dragon-tiger';

/**
 * The same seed gives the same numbers: a game can be played again card by card. (sfc32, seeded by a hash of
 * the text.) For drivers and tests only: whoever knows the seed knows the cards.
 */
export function seededRandom(seed: string): RandomBelow {
  const hash = createHash('sha256').update(seed).digest();
  let a = hash.readUInt32LE(0);
  let b = hash.readUInt32LE(4);
  let c = hash.readUInt32LE(8);
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  return (limit) => {
    if (!Number.isInteger(limit) || limit < 1 || limit > 2 ** 32)
      throw new RangeError(`limit is ${limit}; allowed: 1 to 2^32`);
    // Numbers above the last whole multiple of the limit would make the low ones likelier.
    const usable = 2 ** 32 - (2 ** 32 % limit);
    let value = next();
    while (value >= usable) value = next();
    return value % limit;
  };
}
