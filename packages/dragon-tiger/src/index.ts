export { BETS, type Bet, type BetName, type BetOutcome, betOf, findBet } from './bets.ts';
export { type CardList, contradicts, formatCardList, parseCardList, sameCards } from './card-list.ts';
export {
  type Card,
  formatCard,
  parseCard,
  type Rank,
  RANKS,
  type RoundCards,
  sameCard,
  type Suit,
  SUITS,
} from './cards.ts';
export { DragonTigerError, type DragonTigerErrorCode } from './errors.ts';
export { DECK, DECKS, ORDERED_PAIRS, type OutcomeCounts, outcomeCounts, probability } from './odds.ts';
export {
  entryOf,
  houseEdgeAtStake,
  houseTotal,
  loadPaytable,
  type Paytable,
  type PaytableBet,
  type PaytableData,
  type PaytableEntry,
  type TieRule,
} from './paytable.ts';
export { findPaytable, PAYTABLE_DATA, PAYTABLES } from './paytables.ts';
export { Rational } from './rational.ts';
export { hasSuits, isSuitedTie, type Result, RESULT_CODES, resultOf } from './results.ts';
export { type Rounding } from './rounding.ts';
export { type BetSettlement, RoundSettler, settleBet, type SettlementKind } from './settlement.ts';
export { type RandomBelow, Shoe, type ShoeOptions } from './shoe.ts';
