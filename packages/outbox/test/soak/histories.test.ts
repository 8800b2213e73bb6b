import { expect, it } from 'vitest';
import { playHistories } from '../support/crash/play.ts';

const COUNT = Number(process.env['HISTORIES'] ?? 10_000);
/** Behind those of the unit test. */
const FIRST_SEED = Number(process.env['FIRST_SEED'] ?? 1001);

it(`keeps every rule through ${COUNT} histories of crashes`, async () => {
  const { failures, deaths, ...counts } = await playHistories(
    Array.from({ length: COUNT }, (_, i) => FIRST_SEED + i),
  );
  const points = [...deaths.values()];
  process.stderr.write(
    `histories: ${JSON.stringify({
      ...counts,
      failures: failures.length,
      deaths: points.reduce((sum, count) => sum + count, 0),
      failPoints: points.length,
      fewestDeathsAtOne: Math.min(...points),
    })}\n`,
  );
  expect(failures).toEqual([]);
}, 14_400_000);
