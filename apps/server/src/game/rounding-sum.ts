import { type Rational } from '@dt/dragon-tiger';

const MILLIONTHS = 1_000_000n;

/**
 * Adds up rounding differences of many orders. They share a handful of denominators, so the sum is kept by
 * denominator: no fraction is reduced ten thousand times.
 */
export class RoundingSum {
  readonly #numerators = new Map<bigint, bigint>();

  add({ numerator, denominator }: Rational): void {
    if (numerator === 0n) return;
    this.#numerators.set(denominator, (this.#numerators.get(denominator) ?? 0n) + numerator);
  }

  /** In minor units with six decimals, the rest cut off. */
  toString(): string {
    let millionths = 0n;
    for (const [denominator, numerator] of this.#numerators)
      millionths += (numerator * MILLIONTHS) / denominator;
    const digits = (millionths < 0n ? -millionths : millionths).toString().padStart(7, '0');
    return `${millionths < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
  }
}
