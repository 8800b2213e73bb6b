import { type BetOutcome } from './bets.ts';
import { type RoundCards } from './cards.ts';
import { DragonTigerError } from './errors.ts';
import { type Paytable, entryOf } from './paytable.ts';
import { Rational } from './rational.ts';
import { hasSuits } from './results.ts';
import { roundMinor } from './rounding.ts';

/** What a settled bet is: a win, its stake back, half of it back, or nothing. */
export type SettlementKind = 'win' | 'stake-returned' | 'half-returned' | 'lose';

export interface BetSettlement {
  readonly kind: SettlementKind;
  /** What goes back to the player, the stake included where it comes back. Never below zero. */
  readonly grossMinor: bigint;
  /** Paid minus exact, in minor units: above zero when rounding favoured the player. */
  readonly roundingMinor: Rational;
}

interface Terms {
  readonly kind: SettlementKind;
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/**
 * Settles many bets of one round: the terms of each kind of bet are looked up once, so that a round of ten
 * thousand orders costs a few milliseconds.
 */
export class RoundSettler {
  readonly paytable: Paytable;
  readonly cards: RoundCards;
  readonly #terms = new Map<number, Terms>();

  constructor(paytable: Paytable, cards: RoundCards) {
    this.paytable = paytable;
    this.cards = cards;
  }

  /**
   * @param playType the bet's number
   * @param stakeMinor above zero
   * @throws DragonTigerError `bet-unknown`, `stake-invalid`, or `suits-missing` when the bet is about suits and
   *   the cards came without
   */
  settle(playType: number, stakeMinor: bigint): BetSettlement {
    if (stakeMinor <= 0n)
      throw new DragonTigerError('stake-invalid', `a stake is above 0, not ${stakeMinor}`);
    const { kind, numerator, denominator } = this.#termsOf(playType);
    const exact = stakeMinor * numerator;
    const grossMinor = roundMinor(exact, denominator, this.paytable.rounding);
    const difference = grossMinor * denominator - exact;
    const roundingMinor = difference === 0n ? Rational.zero : new Rational(difference, denominator);
    return { kind, grossMinor, roundingMinor };
  }

  #termsOf(playType: number): Terms {
    const known = this.#terms.get(playType);
    if (known !== undefined) return known;
    const entry = entryOf(this.paytable, playType);
    if (entry.bet.needsSuits && !hasSuits(this.cards)) {
      throw new DragonTigerError(
        'suits-missing',
        `${entry.bet.name} cannot be settled from cards without suits`,
      );
    }
    const outcome = entry.bet.outcome(this.cards);
    const { numerator, denominator } = entry.returns[outcome];
    const terms = { kind: kindOf(outcome, entry.onTie === 'half'), numerator, denominator };
    this.#terms.set(playType, terms);
    return terms;
  }
}

function kindOf(outcome: BetOutcome, halfOnTie: boolean): SettlementKind {
  switch (outcome) {
    case 'win':
    case 'lose':
      return outcome;
    case 'tie':
      return halfOnTie ? 'half-returned' : 'stake-returned';
  }
}

/** Settles one bet. For many of one round use {@link RoundSettler}. */
export function settleBet(
  paytable: Paytable,
  playType: number,
  stakeMinor: bigint,
  cards: RoundCards,
): BetSettlement {
  return new RoundSettler(paytable, cards).settle(playType, stakeMinor);
}
