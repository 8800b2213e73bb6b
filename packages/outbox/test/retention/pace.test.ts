import { expect, it } from 'vitest';
import { nextPace } from '../../src/retention/pace.ts';

it('rests four times as long as it works', () => {
  expect(nextPace(1000, 1000, 10)).toEqual({ rows: 1000, restMs: 40 });
});

it('takes less and rests longer when the database is busy, and comes back step by step', () => {
  const busy = nextPace(1000, 1000, 400);
  expect(busy).toEqual({ rows: 500, restMs: 4000 });
  expect(nextPace(60, 1000, 3000)).toEqual({ rows: 50, restMs: 10_000 });
  expect(nextPace(busy.rows, 1000, 10).rows).toBe(625);
  expect(nextPace(10, 10, 400).rows).toBe(10);
});
