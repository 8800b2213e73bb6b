import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAmount, MAX_AMOUNT_MINOR, parseAmount } from '../../src/wallet/index.ts';

describe('amounts as text', () => {
  it.each([
    ['0.01', 1n],
    ['0', 0n],
    ['0.00', 0n],
    ['1', 100n],
    ['25.5', 2550n],
    ['25.50', 2550n],
    ['1000000', 100_000_000n],
    ['92233720368547758.07', MAX_AMOUNT_MINOR],
  ])('reads %s', (text, minor) => {
    expect(parseAmount(text)).toBe(minor);
  });

  it.each(
    [
      [
        '',
        '-1',
        '+1',
        '01',
        '00.10',
        '.5',
        '5.',
        '1.234',
        '1e3',
        ' 1',
        '1 ',
        '1,00',
        '٣',
        'NaN',
        '0x10',
        '1\n',
      ],
      ['92233720368547758.08', '9'.repeat(31), '9'.repeat(1000)],
    ].flat(),
  )('refuses %j', (text) => {
    expect(parseAmount(text)).toBeUndefined();
  });

  it('writes two decimals, below zero too', () => {
    expect([0n, 5n, 100n, -5n, -12_345n].map(formatAmount)).toEqual([
      '0.00',
      '0.05',
      '1.00',
      '-0.05',
      '-123.45',
    ]);
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MAX_AMOUNT_MINOR }), (minor) => {
        expect(parseAmount(formatAmount(minor))).toBe(minor);
      }),
    );
  });
});
