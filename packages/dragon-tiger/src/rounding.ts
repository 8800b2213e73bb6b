/** How a gross return that is not a whole minor unit becomes one. */
export type Rounding = 'half-away-from-zero' | 'down';

export const ROUNDINGS: readonly Rounding[] = ['half-away-from-zero', 'down'];

/** `numerator / denominator`, both not below zero, as whole minor units. */
export function roundMinor(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  switch (rounding) {
    case 'half-away-from-zero':
      return (2n * numerator + denominator) / (2n * denominator);
    case 'down':
      return numerator / denominator;
  }
}
