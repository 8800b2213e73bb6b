import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rational } from '../src/index.ts';

const rational = fc
  .tuple(fc.bigInt(-(10n ** 12n), 10n ** 12n), fc.bigInt(1n, 10n ** 12n))
  .map(([numerator, denominator]) => new Rational(numerator, denominator));

describe('a rational', () => {
  it('is kept in lowest terms with the sign on top', () => {
    expect(new Rational(6n, -8n).toString()).toBe('-3/4');
    expect(new Rational(0n, -8n).toString()).toBe('0');
    expect(new Rational(8n, 4n).toString()).toBe('2');
  });

  it('reads decimals and fractions exactly', () => {
    expect(['0.97', '-1.5', '8', '31/830', '-12/415'].map((text) => Rational.parse(text).toString())).toEqual(
      ['97/100', '-3/2', '8', '31/830', '-12/415'],
    );
  });

  it.each(['', '1e3', '+1', '1/', '.5', '1/0'])('refuses "%s"', (text) => {
    expect(() => Rational.parse(text)).toThrow(expect.objectContaining({ code: 'number-invalid' }));
  });

  it('obeys the laws of arithmetic and survives its own text', () => {
    fc.assert(
      fc.property(rational, rational, rational, (a, b, c) => {
        expect(a.plus(b).minus(b).equals(a)).toBe(true);
        expect(a.times(b.plus(c)).equals(a.times(b).plus(a.times(c)))).toBe(true);
        expect(Rational.parse(a.toString()).equals(a)).toBe(true);
        expect(a.compare(b)).toBe(-b.compare(a) + 0);
        expect(a.minus(b).compare(Rational.zero)).toBe(a.compare(b));
      }),
    );
  });
});
