import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DECK,
  findPaytable,
  parseCardList,
  PAYTABLES,
  Rational,
  resultOf,
  RoundSettler,
  settleBet,
} from '../src/index.ts';

const classic = findPaytable('classic')!;
const standard = findPaytable('standard')!;
/** `12.34` as 1234n. */
const minor = (amount: string) => BigInt(amount.replace('.', ''));
const full = findPaytable('full')!;
const anyCards = fc.record({ dragon: fc.constantFrom(...DECK), tiger: fc.constantFrom(...DECK) });
const anyBet = fc
  .constantFrom(...PAYTABLES)
  .chain((paytable) =>
    fc.record({ paytable: fc.constant(paytable), playType: fc.constantFrom(...paytable.entries.keys()) }),
  );
const anyStake = fc.bigInt(1n, 10n ** 15n);

describe('settling under classic, as the earlier server did', () => {
  it.each([
    ['30.00', 1, 'D12,T4,R', '59.10', 'win'],
    ['25.50', 3, 'D6,T6,R', '229.50', 'win'],
    ['0.01', 2, 'D2,T7,R', '0.02', 'win'],
    ['12.34', 1, 'D6,T6,R', '12.34', 'stake-returned'],
    ['12.34', 2, 'D6,T6,R', '12.34', 'stake-returned'],
    ['12.34', 2, 'D6,T5,R', '0.00', 'lose'],
    ['12.34', 3, 'D6,T5,R', '0.00', 'lose'],
    ['0.50', 1, 'D12,T4,R', '0.99', 'win'], // 0.985 exactly: half goes up
  ])('%s on %i with %s returns %s (%s)', (stake, playType, list, gross, kind) => {
    const settled = settleBet(classic, Number(playType), minor(stake), parseCardList(list));
    expect({ gross: settled.grossMinor, kind: settled.kind }).toEqual({ gross: minor(gross), kind });
  });

  it('shows what rounding added', () => {
    expect(settleBet(classic, 2, 1n, parseCardList('D2,T7,R')).roundingMinor.toString()).toBe('3/100');
    expect(settleBet(classic, 2, 100n, parseCardList('D2,T7,R')).roundingMinor.toString()).toBe('0');
  });
});

describe('settling under standard', () => {
  it('gives half the stake back on a tie, rounded down, and shows the difference', () => {
    const settled = settleBet(standard, 1, 101n, parseCardList('D6,T6,R'));
    expect(settled).toMatchObject({ kind: 'half-returned', grossMinor: 50n });
    expect(settled.roundingMinor.toString()).toBe('-1/2');
  });
});

describe('settling under full', () => {
  it.each([
    ['D7s,T7s,R', [10, 3], 'big, small, odd, even and suits lose with a seven'],
    ['D8h,T1c,R', [1, 11, 14, 15, 18, 22, 23, 26, 30], 'high even heart against low odd club'],
  ])('%s wins exactly %j: %s', (list, winners) => {
    const wins = [...full.entries.keys()].filter(
      (playType) => settleBet(full, playType, 100n, parseCardList(list)).kind === 'win',
    );
    expect(wins.sort((a, b) => a - b)).toEqual([...winners].sort((a, b) => a - b));
  });

  it('refuses to settle a bet on suits from cards without them', () => {
    expect(() => settleBet(full, 10, 100n, parseCardList('D7,T7s,R'))).toThrow(
      expect.objectContaining({ code: 'suits-missing' }),
    );
    expect(settleBet(full, 11, 100n, parseCardList('D9,T7,R')).grossMinor).toBe(200n);
  });
});

describe('any settlement', () => {
  it('is never below zero, and off the exact return by less than one minor unit in the direction of the rule', () => {
    fc.assert(
      fc.property(anyBet, anyStake, anyCards, ({ paytable, playType }, stakeMinor, cards) => {
        const { kind, grossMinor, roundingMinor } = settleBet(paytable, playType, stakeMinor, cards);
        const entry = paytable.entries.get(playType)!;
        const exact = entry.returns[entry.bet.outcome(cards)].times(new Rational(stakeMinor));
        expect(grossMinor >= 0n).toBe(true);
        expect(kind === 'lose').toBe(exact.numerator === 0n);
        expect(new Rational(grossMinor).minus(exact).equals(roundingMinor)).toBe(true);
        if (paytable.rounding === 'down') {
          expect(roundingMinor.compare(Rational.zero)).toBeLessThanOrEqual(0);
          expect(roundingMinor.compare(new Rational(-1n))).toBe(1);
        } else {
          expect(roundingMinor.compare(new Rational(1n, 2n))).toBeLessThanOrEqual(0);
          expect(roundingMinor.compare(new Rational(-1n, 2n))).toBe(1);
        }
      }),
    );
  });

  it('depends on the cards alone (invariant 15): same cards, same result and same returns', () => {
    fc.assert(
      fc.property(anyBet, anyStake, anyCards, ({ paytable, playType }, stakeMinor, cards) => {
        const copy = structuredClone(cards);
        expect(resultOf(copy)).toBe(resultOf(cards));
        expect(settleBet(paytable, playType, stakeMinor, copy)).toEqual(
          settleBet(paytable, playType, stakeMinor, cards),
        );
        const swapped = { dragon: cards.tiger, tiger: cards.dragon };
        const mirror = { dragon: 'tiger', tiger: 'dragon', tie: 'tie' } as const;
        expect(resultOf(swapped)).toBe(mirror[resultOf(cards)]);
      }),
    );
  });

  it.each([0n, -1n])('refuses a stake of %s', (stakeMinor) => {
    expect(() => settleBet(classic, 1, stakeMinor, parseCardList('D1,T2,R'))).toThrow(
      expect.objectContaining({ code: 'stake-invalid' }),
    );
  });

  it('of a round of 10,000 orders takes milliseconds', () => {
    const settler = new RoundSettler(classic, parseCardList('D12,T4,R'));
    const settleRound = () => {
      for (let order = 1; order <= 10_000; order++) settler.settle((order % 3) + 1, BigInt(order));
    };
    settleRound();
    const started = performance.now();
    settleRound();
    expect(performance.now() - started).toBeLessThan(250);
  });
});
