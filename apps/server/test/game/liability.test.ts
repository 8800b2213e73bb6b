import { DECK, findPaytable, RoundSettler, type Paytable } from '@dt/dragon-tiger';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { liabilityMinor } from '../../src/game/liability.ts';

const paytable = (id: string): Paytable => {
  const found = findPaytable(id);
  if (found === undefined) throw new Error(id);
  return found;
};

/** The worst of all pairs of cards, by settling them. */
function worstOfAll(table: Paytable, stakes: ReadonlyMap<number, bigint>): bigint {
  let worst: bigint | undefined;
  for (const dragon of DECK) {
    for (const tiger of DECK) {
      const settler = new RoundSettler(table, { dragon, tiger });
      let loss = 0n;
      for (const [playType, stake] of stakes) loss += settler.settle(playType, stake).grossMinor - stake;
      if (worst === undefined || loss > worst) worst = loss;
    }
  }
  return worst ?? 0n;
}

const stakesOn = (table: Paytable) =>
  fc
    .array(fc.tuple(fc.constantFrom(...table.entries.keys()), fc.bigInt({ min: 1n, max: 10_000n })), {
      maxLength: 6,
    })
    .map((pairs) => new Map(pairs.map(([playType, hundreds]) => [playType, hundreds * 100n])));

describe('liability of a round', () => {
  it.each(['classic', 'standard'])('is the worst of all pairs of cards under %s, exactly', (id) => {
    const table = paytable(id);
    fc.assert(
      fc.property(stakesOn(table), (stakes) => {
        if (stakes.size > 0) expect(liabilityMinor(table, stakes)).toBe(worstOfAll(table, stakes));
      }),
      { numRuns: 25 },
    );
  });

  it('is never below the worst of all pairs where there are bets on hands', () => {
    const table = paytable('full');
    fc.assert(
      fc.property(stakesOn(table), (stakes) => {
        if (stakes.size > 0)
          expect(liabilityMinor(table, stakes)).toBeGreaterThanOrEqual(worstOfAll(table, stakes));
      }),
      { numRuns: 25 },
    );
  });

  it('lets stakes of the other side pay', () => {
    const classic = paytable('classic');
    expect(liabilityMinor(classic, new Map([[1, 1000n]]))).toBe(970n);
    expect(
      liabilityMinor(
        classic,
        new Map([
          [1, 1000n],
          [2, 1000n],
        ]),
      ),
    ).toBe(0n);
    expect(
      liabilityMinor(
        classic,
        new Map([
          [1, 1000n],
          [2, 400n],
        ]),
      ),
    ).toBe(570n);
    expect(
      liabilityMinor(
        classic,
        new Map([
          [3, 100n],
          [1, 1000n],
        ]),
      ),
    ).toBe(870n);
    expect(liabilityMinor(classic, new Map())).toBe(0n);
  });
});
