import { findPaytable, type Paytable } from '@dt/dragon-tiger';
import { formatAmount } from '../wallet/index.ts';
import {
  badParameter,
  balanceTooLow,
  dragonAndTiger,
  duplicateRequest,
  playerDisabled,
  roundNotFound,
  stateRefused,
  windowClosed,
  windowNotOpen,
  type BusinessError,
} from './errors.ts';
import { liabilityMinor } from './liability.ts';
import type { RoundRow } from './rounds.sql.ts';
import type { PlaceBetRequest } from './types.ts';

const DRAGON = 1;
const TIGER = 2;

/** The order that a key was used for. */
export interface EarlierOrder {
  readonly billNo: string;
  readonly gameId: string;
  readonly roomId: string;
  readonly roundId: string;
  readonly playType: number;
  readonly stakeMinor: bigint;
  readonly balanceAfterMinor: bigint;
  readonly traceId: string;
  readonly betTimeMs: number;
}

/** What is known of a player under the lock of its wallet. Changes as bets of the batch are accepted. */
export interface PlayerFacts {
  readonly playerId: string;
  readonly enabled: boolean;
  readonly accountId: string;
  balanceMinor: bigint;
  /** By `play_type`, in this round. */
  readonly stakes: Map<number, bigint>;
  /** By idempotency key. */
  readonly earlier: Map<string, EarlierOrder>;
}

/** What is known of the round under its lock. Changes as bets of the batch are accepted. */
export interface RoundFacts {
  /** Undefined when there is no such round. */
  readonly round: RoundRow | undefined;
  /** The database's clock, read after the locks were had. */
  readonly nowMs: number;
  /** By `play_type`, of all players. */
  readonly stakes: Map<number, bigint>;
}

export type Judgement =
  | {
      readonly verdict: 'accepted';
      readonly player: PlayerFacts;
      readonly round: RoundRow;
      readonly odds: string;
    }
  | { readonly verdict: 'replayed'; readonly order: EarlierOrder }
  | { readonly verdict: 'refused'; readonly error: BusinessError };

/**
 * Judges one bet. The order of the questions is the contract's: what clients see of several faults is the first.
 * Reads nothing but its arguments, so that a batch is judged one by one as if each had its own transaction.
 *
 * @param player undefined when the player was never seen, which is a player without money
 */
export function judge(
  request: PlaceBetRequest,
  facts: RoundFacts,
  player: PlayerFacts | undefined,
): Judgement {
  // Before the state: a replay gets its first answer even when the round has moved on.
  const order = player?.earlier.get(request.idempotencyKey);
  if (order !== undefined) {
    return isSameBet(request, order)
      ? { verdict: 'replayed', order }
      : refused(duplicateRequest({ idempotencyKey: request.idempotencyKey, billNo: order.billNo }));
  }
  const { round, nowMs } = facts;
  if (round === undefined) return refused(roundNotFound({ roundId: request.roundId }));
  const closed = refusalByTime(round, nowMs);
  if (closed !== undefined) return refused(closed);
  if (request.gameId !== round.game_id) return refused(badParameter('game_id is not that of the round'));
  if (request.roomId !== round.room_id) return refused(badParameter('room_id is not that of the round'));
  const paytable = paytableOf(round);
  const entry = paytable.entries.get(request.playType);
  if (entry === undefined) {
    return refused(badParameter(`play_type must be ${[...paytable.entries.keys()].join('|')}`));
  }
  const other = request.playType === DRAGON ? TIGER : request.playType === TIGER ? DRAGON : undefined;
  if (other !== undefined && player?.stakes.has(other) === true) return refused(dragonAndTiger());
  const beyond = refusalByLimit(request, round, paytable, facts, player);
  if (beyond !== undefined) return refused(beyond);
  if (player?.enabled === false) return refused(playerDisabled());
  if (player === undefined || player.balanceMinor < request.amountMinor) return refused(balanceTooLow());
  return { verdict: 'accepted', player, round, odds: entry.pays };
}

/** Counts an accepted bet in, for the judgement of the next. */
export function countIn(
  request: PlaceBetRequest,
  facts: RoundFacts,
  player: PlayerFacts,
  order: EarlierOrder,
): void {
  const { playType, amountMinor, idempotencyKey } = request;
  player.balanceMinor -= amountMinor;
  player.earlier.set(idempotencyKey, order);
  for (const stakes of [player.stakes, facts.stakes])
    stakes.set(playType, (stakes.get(playType) ?? 0n) + amountMinor);
}

export function paytableOf(round: {
  readonly paytable: string;
  readonly paytable_version: number;
}): Paytable {
  const paytable = findPaytable(round.paytable, round.paytable_version);
  if (paytable === undefined) {
    throw new Error(
      `this program does not know paytable ${round.paytable} version ${round.paytable_version}`,
    );
  }
  return paytable;
}

function refused(error: BusinessError): Judgement {
  return { verdict: 'refused', error };
}

function isSameBet(request: PlaceBetRequest, order: EarlierOrder): boolean {
  return (
    request.roundId === order.roundId &&
    request.gameId === order.gameId &&
    request.roomId === order.roomId &&
    request.playType === order.playType &&
    request.amountMinor === order.stakeMinor
  );
}

function refusalByTime(round: RoundRow, nowMs: number): BusinessError | undefined {
  const details = { roundId: round.round_id, state: round.state };
  // Sealed by time, and the dealer has not spoken since: clients know this as a closed window.
  if (round.state === 'sealed' && round.sealed_by === 'deadline') return windowClosed(details);
  if (round.state !== 'betting') return stateRefused(details);
  if (nowMs < round.bet_start_at.getTime()) return windowNotOpen(details);
  if (nowMs >= round.deadline_at.getTime()) return windowClosed(details);
  return undefined;
}

function refusalByLimit(
  { playType, amountMinor }: PlaceBetRequest,
  round: RoundRow,
  paytable: Paytable,
  facts: RoundFacts,
  player: PlayerFacts | undefined,
): BusinessError | undefined {
  const minBetMinor = BigInt(round.min_bet_minor);
  if (amountMinor < minBetMinor) {
    return badParameter(`bet amount is below the minimum: ${formatAmount(minBetMinor)}`);
  }
  const maxBetMinor = BigInt(round.max_bet_minor);
  if (amountMinor > maxBetMinor) {
    return badParameter(`bet amount exceeds maximum limit: ${formatAmount(maxBetMinor)}`);
  }
  const maxPlayerRoundMinor = BigInt(round.max_player_round_minor);
  let ofPlayerMinor = amountMinor;
  for (const stakeMinor of player?.stakes.values() ?? []) ofPlayerMinor += stakeMinor;
  if (ofPlayerMinor > maxPlayerRoundMinor) {
    return badParameter(
      `bets of one player in a round exceed the limit: ${formatAmount(maxPlayerRoundMinor)}`,
    );
  }
  const stakes = new Map(facts.stakes).set(playType, (facts.stakes.get(playType) ?? 0n) + amountMinor);
  const before = liabilityMinor(paytable, facts.stakes);
  const after = liabilityMinor(paytable, stakes);
  // A bet that lowers what the round can cost is welcome even where an earlier one went to the limit.
  if (after > BigInt(round.max_round_liability_minor) && after > before) {
    return badParameter('the round has reached its liability limit for this bet');
  }
  return undefined;
}
