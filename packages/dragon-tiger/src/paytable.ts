import { type Bet, type BetName, type BetOutcome, betOf, findBet } from './bets.ts';
import { DragonTigerError } from './errors.ts';
import { ORDERED_PAIRS, outcomeCounts } from './odds.ts';
import { Rational } from './rational.ts';
import { type Rounding, ROUNDINGS, roundMinor } from './rounding.ts';

/** What a dragon or tiger bet gets back when the cards tie. */
export type TieRule = 'return' | 'half';

/** One bet of a paytable as it is written down. */
export interface PaytableBet {
  readonly bet: BetName;
  /** What a win pays on top of the stake, per 1 of stake: `0.97`, `8`, `1/2`. */
  readonly pays: string;
  /** Required for dragon and tiger, refused for all others. */
  readonly onTie?: TieRule;
}

/** A paytable as data. A change of anything in it needs a new version: orders name the (id, version) they were made under. */
export interface PaytableData {
  readonly id: string;
  readonly version: number;
  readonly rounding: Rounding;
  readonly bets: readonly PaytableBet[];
  /** Lets a bet pay the player in the long run. @default false */
  readonly allowPlayerEdge?: boolean;
}

/** One bet of a loaded paytable. */
export interface PaytableEntry {
  readonly bet: Bet;
  /** Paid on top of the stake, as written; this text is what an order freezes as its odds. */
  readonly pays: string;
  readonly onTie: TieRule | undefined;
  /** What comes back in each outcome, per 1 of stake, the stake included. */
  readonly returns: Readonly<Record<BetOutcome, Rational>>;
  /** What the house keeps in the long run per 1 of stake, before rounding to minor units. */
  readonly houseEdge: Rational;
}

/** A paytable that passed {@link loadPaytable}. */
export interface Paytable {
  readonly id: string;
  readonly version: number;
  readonly rounding: Rounding;
  /** By `play_type`. */
  readonly entries: ReadonlyMap<number, PaytableEntry>;
  /** Whether any bet of it can only be settled from cards with suits. */
  readonly needsSuits: boolean;
}

/**
 * Checks a paytable and works out its edges.
 * @throws DragonTigerError `paytable-invalid` naming the field, or `player-edge` naming the bet and its exact edge
 *   when the house keeps nothing of it and the table does not say `allowPlayerEdge`.
 */
export function loadPaytable(data: PaytableData): Paytable {
  if (typeof data.id !== 'string' || !/^[a-z][a-z0-9_-]{0,31}$/.test(data.id)) {
    throw invalid(String(data.id), 'id', data.id, 'a-z first, then a-z 0-9 _ -, at most 32');
  }
  if (!Number.isSafeInteger(data.version) || data.version < 1) {
    throw invalid(data.id, 'version', data.version, 'a whole number from 1');
  }
  if (!ROUNDINGS.includes(data.rounding))
    throw invalid(data.id, 'rounding', data.rounding, ROUNDINGS.join(' or '));
  const bets: readonly PaytableBet[] = Array.isArray(data.bets) ? data.bets : [];
  if (bets.length === 0) throw invalid(data.id, 'bets', data.bets, 'at least one bet');
  const entries = new Map<number, PaytableEntry>();
  for (const [index, written] of bets.entries()) {
    const entry = loadEntry(data.id, `bets[${index}]`, written);
    if (entries.has(entry.bet.playType))
      throw invalid(data.id, `bets[${index}].bet`, written.bet, 'each bet once');
    if (data.allowPlayerEdge !== true && entry.houseEdge.compare(Rational.zero) <= 0) {
      throw new DragonTigerError(
        'player-edge',
        `paytable ${data.id}: bet ${entry.bet.name} at ${entry.pays}:1 has a house edge of ${entry.houseEdge.toString()}; ` +
          'it must be above 0 unless the paytable says allowPlayerEdge: true',
      );
    }
    entries.set(entry.bet.playType, entry);
  }
  return Object.freeze({
    id: data.id,
    version: data.version,
    rounding: data.rounding,
    entries,
    needsSuits: [...entries.values()].some((entry) => entry.bet.needsSuits),
  });
}

function loadEntry(id: string, path: string, written: PaytableBet): PaytableEntry {
  const bet = findBet(written.bet);
  if (bet === undefined) throw invalid(id, `${path}.bet`, written.bet, 'the name of a bet');
  const isSide = bet.name === 'dragon' || bet.name === 'tiger';
  if (isSide ? written.onTie !== 'return' && written.onTie !== 'half' : written.onTie !== undefined) {
    throw invalid(
      id,
      `${path}.onTie`,
      written.onTie,
      isSide ? 'return or half' : 'nothing: only dragon and tiger have it',
    );
  }
  const win = Rational.one.plus(parsePays(id, `${path}.pays`, written.pays));
  const tie = !isSide ? Rational.zero : written.onTie === 'half' ? new Rational(1n, 2n) : Rational.one;
  const returns = { win, tie, lose: Rational.zero };
  return Object.freeze({
    bet,
    pays: written.pays,
    onTie: written.onTie,
    returns,
    houseEdge: edgeOf(bet, returns),
  });
}

function parsePays(id: string, path: string, pays: unknown): Rational {
  const allowed = 'a text above 0 and at most 1000, as 0.97, 8 or 1/2';
  if (typeof pays !== 'string') throw invalid(id, path, pays, allowed);
  let value: Rational;
  try {
    value = Rational.parse(pays);
  } catch (cause) {
    throw invalid(id, path, pays, allowed, cause);
  }
  if (value.compare(Rational.zero) <= 0 || value.compare(new Rational(1000n)) > 0)
    throw invalid(id, path, pays, allowed);
  return value;
}

function invalid(
  id: string,
  field: string,
  value: unknown,
  allowed: string,
  cause?: unknown,
): DragonTigerError {
  const shown = value === undefined ? 'missing' : JSON.stringify(value);
  return new DragonTigerError(
    'paytable-invalid',
    `paytable ${id}: ${field} is ${shown}; allowed: ${allowed}`,
    { cause },
  );
}

function edgeOf(bet: Bet, returns: PaytableEntry['returns']): Rational {
  const counts = outcomeCounts(bet);
  const returned = (['win', 'tie', 'lose'] as const)
    .map((outcome) => returns[outcome].times(new Rational(counts[outcome], ORDERED_PAIRS)))
    .reduce((sum, part) => sum.plus(part), Rational.zero);
  return Rational.one.minus(returned);
}

/** What the house keeps over all 172,640 ordered pairs at stake 1. */
export function houseTotal(entry: PaytableEntry): Rational {
  return entry.houseEdge.times(new Rational(ORDERED_PAIRS));
}

/**
 * The edge per 1 of stake for one stake in minor units, rounding included. Rounding can eat a small stake's edge
 * whole (0.01 at 0.97:1 returns 0.02 under `classic`), which is why tables have a least bet.
 */
export function houseEdgeAtStake(paytable: Paytable, bet: number | string, stakeMinor: bigint): Rational {
  const entry = entryOf(paytable, bet);
  const counts = outcomeCounts(entry.bet);
  let returnedMinor = 0n;
  for (const outcome of ['win', 'tie', 'lose'] as const) {
    const { numerator, denominator } = entry.returns[outcome];
    returnedMinor += counts[outcome] * roundMinor(stakeMinor * numerator, denominator, paytable.rounding);
  }
  return Rational.one.minus(new Rational(returnedMinor, ORDERED_PAIRS * stakeMinor));
}

/** @throws DragonTigerError `bet-unknown` when the game or this paytable has no such bet */
export function entryOf(paytable: Paytable, bet: number | string): PaytableEntry {
  const { playType, name } = betOf(bet);
  const entry = paytable.entries.get(playType);
  if (entry === undefined)
    throw new DragonTigerError('bet-unknown', `paytable ${paytable.id} does not offer ${name}`);
  return entry;
}
