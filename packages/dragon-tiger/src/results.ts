import { type RoundCards } from './cards.ts';

/** Who won a round. */
export type Result = 'dragon' | 'tiger' | 'tie';

/** The numbers of results on the wire and in the database; 0 means none yet. */
export const RESULT_CODES = { dragon: 1, tiger: 2, tie: 3 } as const satisfies Record<Result, number>;

/** The result is a function of the cards and of nothing else (invariant 15): higher rank wins, equal ranks tie. */
export function resultOf(cards: RoundCards): Result {
  if (cards.dragon.rank === cards.tiger.rank) return 'tie';
  return cards.dragon.rank > cards.tiger.rank ? 'dragon' : 'tiger';
}

/** Equal rank and equal suit. False when a suit is not known. */
export function isSuitedTie(cards: RoundCards): boolean {
  const { dragon, tiger } = cards;
  return dragon.rank === tiger.rank && dragon.suit !== undefined && dragon.suit === tiger.suit;
}

/** Whether both cards came with a suit, which bets on suits need. */
export function hasSuits(cards: RoundCards): boolean {
  return cards.dragon.suit !== undefined && cards.tiger.suit !== undefined;
}
