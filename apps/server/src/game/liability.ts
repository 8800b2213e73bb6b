import { DECK, type Card, type Paytable, type PaytableEntry, type RoundCards } from '@dt/dragon-tiger';

/** What one unit of stake on a bet costs the house in one case, as a fraction: return minus stake. */
interface Cost {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Cases that exclude each other; a case maps the `play_type`s that it decides to their cost. */
type Group = readonly ReadonlyMap<number, Cost>[];

const ace: Card = { rank: 1, suit: 's' };
const king: Card = { rank: 13, suit: 's' };
const kingOfHearts: Card = { rank: 13, suit: 'h' };
const MAIN_CASES: readonly RoundCards[] = [
  { dragon: king, tiger: ace },
  { dragon: ace, tiger: king },
  { dragon: king, tiger: kingOfHearts },
  { dragon: king, tiger: king },
];

const groupsOf = new WeakMap<Paytable, readonly Group[]>();

/**
 * The most that a round can cost the house over every outcome, given what is staked on each bet: stakes of the losing
 * bets pay for the winning ones. Bets on who wins are judged together, bets on either hand by themselves, and the
 * worst of the three is added up: exact for paytables without bets on hands, never too low for the others. Differs
 * from the sum of the payouts by their rounding, which is below one minor unit an order.
 */
export function liabilityMinor(paytable: Paytable, stakes: ReadonlyMap<number, bigint>): bigint {
  let total = 0n;
  for (const group of groups(paytable)) {
    let worst: bigint | undefined;
    for (const costs of group) {
      let lossMinor = 0n;
      for (const [playType, cost] of costs) {
        const stakeMinor = stakes.get(playType);
        if (stakeMinor !== undefined) lossMinor += ceilDivide(stakeMinor * cost.numerator, cost.denominator);
      }
      if (worst === undefined || lossMinor > worst) worst = lossMinor;
    }
    total += worst ?? 0n;
  }
  return total;
}

function groups(paytable: Paytable): readonly Group[] {
  let found = groupsOf.get(paytable);
  if (found === undefined) {
    const entries = [...paytable.entries.values()];
    const onHand = (hand: string): PaytableEntry[] =>
      entries.filter(({ bet }) => bet.name.startsWith(`${hand}_`));
    const onDragon = onHand('dragon');
    const onTiger = onHand('tiger');
    const onWinner = entries.filter((entry) => !onDragon.includes(entry) && !onTiger.includes(entry));
    found = [
      casesOf(onWinner, MAIN_CASES),
      casesOf(
        onDragon,
        DECK.map((dragon) => ({ dragon, tiger: ace })),
      ),
      casesOf(
        onTiger,
        DECK.map((tiger) => ({ dragon: ace, tiger })),
      ),
    ];
    groupsOf.set(paytable, found);
  }
  return found;
}

function casesOf(entries: readonly PaytableEntry[], cases: readonly RoundCards[]): Group {
  if (entries.length === 0) return [];
  return cases.map((cards) => new Map(entries.map((entry) => [entry.bet.playType, costOf(entry, cards)])));
}

function costOf(entry: PaytableEntry, cards: RoundCards): Cost {
  const { numerator, denominator } = entry.returns[entry.bet.outcome(cards)];
  return { numerator: numerator - denominator, denominator };
}

/** Rounds towards the higher loss. Division of bigints drops the fraction, which is upwards below zero already. */
function ceilDivide(numerator: bigint, denominator: bigint): bigint {
  return numerator > 0n ? (numerator + denominator - 1n) / denominator : numerator / denominator;
}
