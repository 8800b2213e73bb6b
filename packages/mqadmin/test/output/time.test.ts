import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatMilliseconds, formatSeconds, parseTime } from '../../src/output/index.ts';

it('shows times as RocketMQ does, in local time', () => {
  const at = new Date(2026, 0, 31, 8, 5, 9, 7).getTime();
  expect(formatSeconds(at)).toBe('2026-01-31 08:05:09');
  expect(formatMilliseconds(at)).toBe('2026-01-31 08:05:09,007');
});

it('reads what it shows', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(1971, 0, 1), max: new Date(2100, 0, 1), noInvalidDate: true }),
      (date) => {
        const written = formatMilliseconds(date.getTime()).replace(' ', '#').replace(',', ':');
        // An hour that a change of the clocks repeats has two times.
        expect(Math.abs((parseTime(written) ?? 0) - date.getTime()) % 3_600_000).toBe(0);
      },
    ),
  );
});

it.each([
  '',
  'yesterday',
  '2026-13-01#00:00:00:000',
  '2026-06-31#00:00:00:000',
  '2026-06-30 00:00:00',
  '-1',
  '1e3',
])('reads no time in %j', (text) => expect(parseTime(text)).toBeUndefined());
