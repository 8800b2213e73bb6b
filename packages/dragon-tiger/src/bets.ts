import { type Card, type RoundCards, type Suit } from './cards.ts';
import { DragonTigerError } from './errors.ts';
import { isSuitedTie, resultOf } from './results.ts';

type Hand = 'dragon' | 'tiger';
type HandBet =
  'big' | 'small' | 'odd' | 'even' | 'red' | 'black' | 'spades' | 'hearts' | 'diamonds' | 'clubs';

/** The name of a bet in paytables and messages. */
export type BetName = 'dragon' | 'tiger' | 'tie' | 'suited_tie' | `${Hand}_${HandBet}`;

/** How the cards leave a bet. `tie` is only for dragon and tiger, whose paytable says what a tie returns. */
export type BetOutcome = 'win' | 'tie' | 'lose';

/** One kind of bet: a number on the wire, a name, and a pure rule. */
export interface Bet {
  /** `play_type` on the wire. 1, 2 and 3 are those of the earlier server; further ones start at 10. */
  readonly playType: number;
  readonly name: BetName;
  /** Offered only where dealers send suits. */
  readonly needsSuits: boolean;
  readonly outcome: (cards: RoundCards) => BetOutcome;
}

const won = (wins: boolean): BetOutcome => (wins ? 'win' : 'lose');

const side = (playType: number, name: Hand): Bet => ({
  playType,
  name,
  needsSuits: false,
  outcome: (cards) => {
    const result = resultOf(cards);
    return result === 'tie' ? 'tie' : won(result === name);
  },
});

// A seven loses each of these, which is where their edge comes from.
const byRank = (wins: (rank: number) => boolean) => (card: Card) => card.rank !== 7 && wins(card.rank);
const bySuit =
  (...suits: Suit[]) =>
  (card: Card) =>
    card.rank !== 7 && card.suit !== undefined && suits.includes(card.suit);

const HAND_BETS: readonly { name: HandBet; needsSuits: boolean; wins: (card: Card) => boolean }[] = [
  { name: 'big', needsSuits: false, wins: byRank((rank) => rank > 7) },
  { name: 'small', needsSuits: false, wins: byRank((rank) => rank < 7) },
  { name: 'odd', needsSuits: false, wins: byRank((rank) => rank % 2 === 1) },
  { name: 'even', needsSuits: false, wins: byRank((rank) => rank % 2 === 0) },
  { name: 'red', needsSuits: true, wins: bySuit('h', 'd') },
  { name: 'black', needsSuits: true, wins: bySuit('s', 'c') },
  { name: 'spades', needsSuits: true, wins: bySuit('s') },
  { name: 'hearts', needsSuits: true, wins: bySuit('h') },
  { name: 'diamonds', needsSuits: true, wins: bySuit('d') },
  { name: 'clubs', needsSuits: true, wins: bySuit('c') },
];

const onHand = (firstPlayType: number, hand: Hand): Bet[] =>
  HAND_BETS.map(({ name, needsSuits, wins }, index) => ({
    playType: firstPlayType + index,
    name: `${hand}_${name}`,
    needsSuits,
    outcome: (cards) => won(wins(cards[hand])),
  }));

/** Every bet the game knows, by `play_type`. Which of them a table offers is its paytable's business. */
export const BETS: readonly Bet[] = [
  side(1, 'dragon'),
  side(2, 'tiger'),
  { playType: 3, name: 'tie', needsSuits: false, outcome: (cards) => won(resultOf(cards) === 'tie') },
  { playType: 10, name: 'suited_tie', needsSuits: true, outcome: (cards) => won(isSuitedTie(cards)) },
  ...onHand(11, 'dragon'),
  ...onHand(21, 'tiger'),
];

const byPlayType = new Map(BETS.map((bet) => [bet.playType, bet]));
const byName = new Map<string, Bet>(BETS.map((bet) => [bet.name, bet]));

/** The bet of a number or a name, or undefined. */
export function findBet(bet: number | string): Bet | undefined {
  return typeof bet === 'number' ? byPlayType.get(bet) : byName.get(bet);
}

/** @throws DragonTigerError `bet-unknown` */
export function betOf(bet: number | string): Bet {
  const found = findBet(bet);
  if (found === undefined)
    throw new DragonTigerError('bet-unknown', `there is no bet ${JSON.stringify(bet)}`);
  return found;
}
