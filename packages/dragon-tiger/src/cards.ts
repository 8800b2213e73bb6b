import { DragonTigerError } from './errors.ts';

/** Ace 1 (lowest) to king 13 (highest). */
export type Rank = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13;
/** Spades, hearts, diamonds, clubs. Suits do not rank. */
export type Suit = 's' | 'h' | 'd' | 'c';

/** A card as a dealer reports it. Dealers of tables without suit bets may leave the suit out. */
export interface Card {
  readonly rank: Rank;
  readonly suit?: Suit;
}

/** The two cards of a round. */
export interface RoundCards {
  readonly dragon: Card;
  readonly tiger: Card;
}

export const RANKS: readonly Rank[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
export const SUITS: readonly Suit[] = ['s', 'h', 'd', 'c'];

const RANK_LETTERS: Readonly<Record<string, Rank>> = { a: 1, j: 11, q: 12, k: 13 };
const CARD = /^(\d{1,2}|[ajqk])([shdc])?$/;

function isRank(value: number): value is Rank {
  return Number.isInteger(value) && value >= 1 && value <= 13;
}

/**
 * Reads `12`, `Q`, `12s` or `Qs` in either case: a rank as number 1..13 or as A J Q K, and perhaps a suit.
 * @throws DragonTigerError `card-invalid`
 */
export function parseCard(text: string): Card {
  const match = CARD.exec(text.toLowerCase());
  const rank = match?.[1] === undefined ? undefined : (RANK_LETTERS[match[1]] ?? Number(match[1]));
  if (rank === undefined || !isRank(rank)) {
    throw new DragonTigerError(
      'card-invalid',
      `"${text}" is not a card: a rank 1..13 or A J Q K, then perhaps a suit s h d c`,
    );
  }
  const suit = SUITS.find((known) => known === match?.[2]);
  return suit === undefined ? { rank } : { rank, suit };
}

/** `12s`, or `12` without a suit: ranks are numbers, the form every client of the card list understands. */
export function formatCard(card: Card): string {
  return `${card.rank}${card.suit ?? ''}`;
}

export function sameCard(a: Card, b: Card): boolean {
  return a.rank === b.rank && a.suit === b.suit;
}
