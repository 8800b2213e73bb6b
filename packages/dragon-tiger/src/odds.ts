import { type Bet, type BetOutcome } from './bets.ts';
import { type Card, RANKS, SUITS } from './cards.ts';
import { Rational } from './rational.ts';

/** Decks in the shoe that all odds are stated for. */
export const DECKS = 8;
/** Ordered pairs of two cards dealt from a full shoe: 416 x 415. */
export const ORDERED_PAIRS = BigInt(52 * DECKS * (52 * DECKS - 1));

/** How many of the {@link ORDERED_PAIRS} leave a bet in each outcome. */
export type OutcomeCounts = Readonly<Record<BetOutcome, bigint>>;

/** The 52 different cards. */
export const DECK: readonly Card[] = SUITS.flatMap((suit) => RANKS.map((rank) => ({ rank, suit })));

const counted = new WeakMap<Bet, OutcomeCounts>();

/**
 * Counts by enumeration, not by formula, so that a new bet needs no new mathematics. Equal cards of different
 * decks are one case here with its multiplicity: 8 x 8 pairs, or 8 x 7 when both hands hold the same card.
 */
export function outcomeCounts(bet: Bet): OutcomeCounts {
  const known = counted.get(bet);
  if (known !== undefined) return known;
  const counts: Record<BetOutcome, bigint> = { win: 0n, tie: 0n, lose: 0n };
  for (const dragon of DECK) {
    for (const tiger of DECK) {
      counts[bet.outcome({ dragon, tiger })] += BigInt(DECKS * (dragon === tiger ? DECKS - 1 : DECKS));
    }
  }
  counted.set(bet, counts);
  return counts;
}

/** The exact probability of an outcome on the first two cards of a full shoe. */
export function probability(bet: Bet, outcome: BetOutcome): Rational {
  return new Rational(outcomeCounts(bet)[outcome], ORDERED_PAIRS);
}
