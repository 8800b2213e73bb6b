import { describe, expect, it } from 'vitest';
import { time, whole } from '../../src/cli/options.ts';

const parse = (value: string): unknown => time('--at <time>', '').parseArg?.(value, undefined);

describe('a time', () => {
  it.each([
    ['2026-01-31', new Date(2026, 0, 31)],
    ['2026-01-31T18:05', new Date(2026, 0, 31, 18, 5)],
    ['2026-01-31 18:05:09.5', new Date(2026, 0, 31, 18, 5, 9, 500)],
    ['2026-01-31T18:05:09Z', new Date(Date.UTC(2026, 0, 31, 18, 5, 9))],
    ['2026-01-31T18:05+02:00', new Date(Date.UTC(2026, 0, 31, 16, 5))],
  ])('may be %s', (value, expected) => {
    expect(parse(value)).toEqual(expected);
  });

  it.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
  ])('may be as long ago as %s', (value, agoMs) => {
    const ms = Date.now() - (parse(value) as Date).getTime();
    expect(ms).toBeGreaterThanOrEqual(agoMs - 1);
    expect(ms).toBeLessThan(agoMs + 10_000);
  });

  it.each(['', 'now', '2026-02-30', '2026-13-01', '2026-01-31T25:00', '2026-1-1', '5w', '1769882700'])(
    'is not %j',
    (value) => {
      expect(() => parse(value)).toThrow('Allowed: a date (2026-01-31)');
    },
  );
});

it('a whole number names its bounds when it is outside of them', () => {
  const option = whole('--count <number>', '', 3, 1, 9);
  expect(option.defaultValue).toBe(3);
  expect(option.parseArg?.('9', undefined)).toBe(9);
  for (const value of ['0', '10', '1.5', '-1', '1e0', ''])
    expect(() => option.parseArg?.(value, undefined)).toThrow('Allowed: a whole number from 1 to 9.');
});
