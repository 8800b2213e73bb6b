import { expect, it } from 'vitest';
import { playHistories } from '../support/crash/play.ts';
import { failPoints, type Role, STEPS } from '../support/crash/steps.ts';

const COUNT = 500;
/** Plays the plan of one seed again; its scheduling is another each time, hence several times. */
const SEED = process.env['SEED'];
const TIMES = 20;

if (SEED === undefined) {
  it(`keeps every rule through ${COUNT} histories of crashes, and dies at every fail point`, async () => {
    const { failures, deaths } = await playHistories(Array.from({ length: COUNT }, (_, i) => i + 1));
    expect(failures, failures.join('\n')).toEqual([]);
    const all = (Object.keys(STEPS) as Role[]).flatMap((role) =>
      failPoints(role).map(({ step, moment }) => `${role} ${step} ${moment}`),
    );
    expect(all.filter((point) => !deaths.has(point))).toEqual([]);
  }, 900_000);

  it('notices when positions run ahead of transactions that are still open', async () => {
    const { failures } = await playHistories(
      Array.from({ length: 60 }, (_, i) => i + 1),
      {
        rewrite: (text) => (text.includes('FROM pg_locks') ? `${text} AND false` : text),
        quietTimeoutMs: 8000,
      },
    );
    // What a transaction brings behind a position is not seen again, or by another walk, after what came later.
    expect(failures.join('\n')).toMatch(/nothing lost|order per key/);
  }, 600_000);
} else {
  it(`keeps every rule in the history of seed ${SEED}, played ${TIMES} times`, async () => {
    const { failures } = await playHistories(Array.from({ length: TIMES }, () => Number(SEED)));
    expect(failures, failures.join('\n')).toEqual([]);
  }, 900_000);
}
