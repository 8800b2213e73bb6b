import { DragonTigerError } from './errors.ts';

const DECIMAL = /^(-?)(\d{1,30})(?:\.(\d{1,30}))?$/;
const FRACTION = /^(-?\d{1,30})\/(\d{1,30})$/;

function gcd(a: bigint, b: bigint): bigint {
  let x = a < 0n ? -a : a;
  let y = b;
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/**
 * An exact fraction in lowest terms, denominator above zero. Odds, edges and rounding differences are kept as
 * these, because 0.97 has no exact binary form and a house edge must not depend on the last bit of a double.
 */
export class Rational {
  static readonly zero = new Rational(0n, 1n);
  static readonly one = new Rational(1n, 1n);

  readonly numerator: bigint;
  readonly denominator: bigint;

  constructor(numerator: bigint, denominator = 1n) {
    if (denominator === 0n)
      throw new DragonTigerError('number-invalid', 'a fraction needs a denominator other than 0');
    const sign = denominator < 0n ? -1n : 1n;
    const divisor = gcd(numerator, sign * denominator);
    this.numerator = (sign * numerator) / divisor;
    this.denominator = (sign * denominator) / divisor;
  }

  /** Reads `0.97`, `8` or `31/830`. Exponents and signs other than a leading minus are refused. */
  static parse(text: string): Rational {
    const fraction = FRACTION.exec(text);
    if (fraction?.[1] !== undefined && fraction[2] !== undefined) {
      return new Rational(BigInt(fraction[1]), BigInt(fraction[2]));
    }
    const decimal = DECIMAL.exec(text);
    if (decimal?.[2] === undefined) {
      throw new DragonTigerError(
        'number-invalid',
        `"${text}" is not a decimal like 0.97 or a fraction like 31/830`,
      );
    }
    const decimals = decimal[3] ?? '';
    const value = new Rational(BigInt(decimal[2] + decimals), 10n ** BigInt(decimals.length));
    return decimal[1] === '-' ? new Rational(-value.numerator, value.denominator) : value;
  }

  plus(other: Rational): Rational {
    return new Rational(
      this.numerator * other.denominator + other.numerator * this.denominator,
      this.denominator * other.denominator,
    );
  }

  minus(other: Rational): Rational {
    return this.plus(new Rational(-other.numerator, other.denominator));
  }

  times(other: Rational): Rational {
    return new Rational(this.numerator * other.numerator, this.denominator * other.denominator);
  }

  /** Below zero, zero or above zero, as this is smaller than, equal to or greater than the other. */
  compare(other: Rational): -1 | 0 | 1 {
    const left = this.numerator * other.denominator;
    const right = other.numerator * this.denominator;
    return left < right ? -1 : left > right ? 1 : 0;
  }

  equals(other: Rational): boolean {
    return this.numerator === other.numerator && this.denominator === other.denominator;
  }

  /** `31/830`, or `8` when it is whole. {@link Rational.parse} reads it back. */
  toString(): string {
    return this.denominator === 1n ? `${this.numerator}` : `${this.numerator}/${this.denominator}`;
  }

  /** For charts and logs only: money is never computed from this. */
  toNumber(): number {
    return Number(this.numerator) / Number(this.denominator);
  }
}
