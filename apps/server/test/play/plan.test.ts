import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlannedBet, planBets, seededRandom } from '../../src/play/index.ts';

const plan = (seed: string, players = 20, betsPerPlayer = 5): PlannedBet[] =>
  planBets({
    roundId: 'r',
    players: Array.from({ length: players }, (_, n) => ({ platformUserId: `p${n}`, userName: `P ${n}` })),
    betsPerPlayer,
    minStakeMinor: 100n,
    maxStakeMinor: 10_000n,
    random: seededRandom(seed),
  });

describe('planned bets', () => {
  it('are the same for the same seed and others for another', () => {
    expect(plan('a')).toEqual(plan('a'));
    expect(plan('a')).not.toEqual(plan('b'));
  });

  it('never put one player on both sides, keep to the stakes, and repeat no key of a player', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 8 }),
        (seed, players, each) => {
          const bets = plan(seed, players, each);
          expect(bets).toHaveLength(players * each);
          for (const id of new Set(bets.map((bet) => bet.player.platformUserId))) {
            const own = bets.filter((bet) => bet.player.platformUserId === id);
            const kinds = new Set(own.map((bet) => bet.playType));
            expect(kinds.has(1) && kinds.has(2)).toBe(false);
            expect(new Set(own.map((bet) => bet.idempotencyKey)).size).toBe(each);
          }
          expect(bets.every((bet) => bet.stakeMinor >= 100n && bet.stakeMinor <= 10_000n)).toBe(true);
        },
      ),
    );
  });
});

describe('seeded random numbers', () => {
  it('stay below the limit and reach each value about equally often', () => {
    const random = seededRandom('even');
    const seen = Array.from({ length: 13 }, () => 0);
    for (let draw = 0; draw < 13_000; draw++) {
      const value = random(13);
      seen[value] = (seen[value] ?? 0) + 1;
    }
    expect(seen).toHaveLength(13);
    // 5 standard deviations of a binomial(13000, 1/13) are 152.
    for (const times of seen) expect(Math.abs(times - 1_000)).toBeLessThan(152);
  });

  it.each([0, -1, 1.5, 2 ** 32 + 1])('refuse the limit %s', (limit) => {
    expect(() => seededRandom('x')(limit)).toThrow(RangeError);
  });
});
