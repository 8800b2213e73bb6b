import { setTimeout as delay } from 'node:timers/promises';
import { enqueue, prepared } from '@dt/outbox';
import { type Database, PLANS_BY_KEY, type Queryable, violatedConstraint } from '../database/index.ts';
import { CURRENCY } from '../wallet/index.ts';
import { countIn, judge, type EarlierOrder, type PlayerFacts, type RoundFacts } from './bet-rules.ts';
import { newBillNo } from './bill-no.ts';
import type { BusinessError } from './errors.ts';
import { betPlaced } from './messages.ts';
import { FACTS, LOCK_PLAYERS, WRITE, type FactsRow } from './place-bets.sql.ts';
import { messageRound } from './rounds.ts';
import { LOCK_ROUND, type RoundRow } from './rounds.sql.ts';
import type { PlaceBetRequest, PlacedBet, PlayerRef } from './types.ts';

export type BetOutcome =
  | { readonly placed: PlacedBet; readonly refused?: never }
  | { readonly refused: BusinessError; readonly placed?: never };

interface Accepted {
  readonly request: PlaceBetRequest;
  readonly player: PlayerFacts;
  readonly order: EarlierOrder;
  readonly odds: string;
}

const BILL_NO_TRIES = 8;

/**
 * Places bets of one round in one transaction, judged in the order of the array, and answers each in its place. One
 * refused bet does not touch the others.
 *
 * The round's row is locked first, which keeps out the seal, the settlement and other batches of this round: the
 * liability of the round is judged exactly, without a row that every bet would have to queue for by itself. Then the
 * wallets, in the order of player ids.
 *
 * @throws what the database throws; then no bet of the batch was placed, unless the connection broke in COMMIT
 */
export async function placeBets(
  database: Database,
  topic: string,
  requests: readonly PlaceBetRequest[],
): Promise<readonly BetOutcome[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await database.transaction((tx) => placeIn(tx, topic, requests), { settings: PLANS_BY_KEY });
    } catch (error) {
      if (!isTakenBillNo(error) || tries >= BILL_NO_TRIES) throw error;
      // Growing beyond a second: a new second has all numbers free again.
      await delay(10 * 2 ** tries);
    }
  }
}

/** The order or, first, its transfer. A key of a request cannot meet here: it is looked up under the player's lock. */
function isTakenBillNo(error: unknown): boolean {
  const constraint = violatedConstraint(error);
  return constraint === 'orders_bill_no_key' || constraint === 'transfers_once';
}

async function placeIn(
  tx: Queryable,
  topic: string,
  requests: readonly PlaceBetRequest[],
): Promise<readonly BetOutcome[]> {
  const roundId = requests[0]?.roundId ?? '';
  const { facts, players } = await readFacts(tx, roundId, requests);
  const billNos = new Set<string>();
  const accepted: Accepted[] = [];
  const outcomes = requests.map((request): BetOutcome => {
    const player = players.get(playerKey(request.player));
    const judgement = judge(request, facts, player);
    if (judgement.verdict === 'refused') return { refused: judgement.error };
    if (judgement.verdict === 'replayed') return { placed: answer(judgement.order, true) };
    const order: EarlierOrder = {
      billNo: freshBillNo(billNos, facts.nowMs, judgement.player.playerId),
      gameId: request.gameId,
      roomId: request.roomId,
      roundId,
      playType: request.playType,
      stakeMinor: request.amountMinor,
      balanceAfterMinor: judgement.player.balanceMinor - request.amountMinor,
      traceId: request.traceId,
      betTimeMs: facts.nowMs,
    };
    countIn(request, facts, judgement.player, order);
    accepted.push({ request, player: judgement.player, order, odds: judgement.odds });
    return { placed: answer(order, false) };
  });
  if (facts.round !== undefined && accepted.length > 0)
    await write(tx, topic, facts.round, facts.nowMs, accepted);
  return outcomes;
}

async function readFacts(
  tx: Queryable,
  roundId: string,
  requests: readonly PlaceBetRequest[],
): Promise<{ facts: RoundFacts; players: Map<string, PlayerFacts> }> {
  const refs = new Map(requests.map(({ player }) => [playerKey(player), player]));
  // Sent together; the round's lock is had before the wallets' are asked for.
  const [locked, wallets] = await Promise.all([
    tx.query<RoundRow>(LOCK_ROUND, [roundId]),
    tx.query<{
      platform_id: number;
      platform_user_id: string;
      player_id: string;
      status: number;
      account_id: string;
      balance_minor: string;
    }>(LOCK_PLAYERS, [
      [...refs.values()].map((ref) => ref.platformId),
      [...refs.values()].map((ref) => ref.platformUserId),
      CURRENCY,
    ]),
  ]);
  const players = new Map<string, PlayerFacts>();
  const byId = new Map<string, PlayerFacts>();
  for (const row of wallets.rows) {
    const player: PlayerFacts = {
      playerId: row.player_id,
      enabled: row.status === 1,
      accountId: row.account_id,
      balanceMinor: BigInt(row.balance_minor),
      stakes: new Map(),
      earlier: new Map(),
    };
    players.set(playerKey({ platformId: row.platform_id, platformUserId: row.platform_user_id }), player);
    byId.set(row.player_id, player);
  }
  const asked = requests.flatMap(({ player, idempotencyKey }) => {
    const known = players.get(playerKey(player));
    return known === undefined ? [] : [{ playerId: known.playerId, idempotencyKey }];
  });
  const row = (
    await tx.query<FactsRow>(FACTS, [
      roundId,
      asked.map(({ playerId }) => playerId),
      asked.map(({ idempotencyKey }) => idempotencyKey),
    ])
  ).rows[0];
  if (row === undefined) throw new Error('the facts of a batch of bets are one row');
  for (const order of row.earlier) {
    byId.get(order.player_id)?.earlier.set(order.idempotency_key, {
      billNo: order.bill_no,
      gameId: order.game_id,
      roomId: order.room_id,
      roundId: order.round_id,
      playType: order.play_type,
      stakeMinor: BigInt(order.stake_minor),
      balanceAfterMinor: BigInt(order.balance_after_minor),
      traceId: order.trace_id,
      betTimeMs: Number(order.bet_time_ms),
    });
  }
  for (const stake of row.by_player) {
    byId.get(stake.player_id)?.stakes.set(stake.play_type, BigInt(stake.stake_minor));
  }
  const facts: RoundFacts = {
    round: locked.rows[0],
    nowMs: row.now.getTime(),
    stakes: new Map(row.by_round.map((stake) => [stake.play_type, BigInt(stake.stake_minor)])),
  };
  return { facts, players };
}

async function write(
  tx: Queryable,
  topic: string,
  round: RoundRow,
  nowMs: number,
  accepted: readonly Accepted[],
): Promise<void> {
  const messages = accepted.map(({ request, player, order }) =>
    betPlaced({ topic, traceId: request.traceId, traceparent: request.traceparent }, messageRound(round), {
      billNo: order.billNo,
      playerId: player.playerId,
      platformId: request.player.platformId,
      platformUserId: request.player.platformUserId,
      playType: order.playType,
      stakeMinor: order.stakeMinor,
      currency: CURRENCY,
      betTimeMs: nowMs,
    }),
  );
  // Sent together: when the first fails, the transaction is lost and the second is refused by the database.
  await Promise.all([
    tx.query(WRITE, [
      round.round_id,
      CURRENCY,
      round.paytable,
      round.paytable_version,
      round.revision,
      new Date(nowMs),
      round.escrow_account,
      accepted.map(({ order }) => order.billNo),
      accepted.map(({ player }) => player.playerId),
      accepted.map(({ player }) => player.accountId),
      accepted.map(({ order }) => order.playType),
      accepted.map(({ order }) => order.stakeMinor.toString()),
      accepted.map(({ odds }) => odds),
      accepted.map(({ request }) => request.idempotencyKey),
      accepted.map(({ order }) => order.balanceAfterMinor.toString()),
      accepted.map(({ order }) => order.traceId),
    ]),
    enqueue(prepared(tx), messages),
  ]);
}

function freshBillNo(taken: Set<string>, nowMs: number, playerId: string): string {
  const now = new Date(nowMs);
  let billNo = newBillNo(now, playerId);
  while (taken.has(billNo)) billNo = newBillNo(now, playerId);
  taken.add(billNo);
  return billNo;
}

function answer(order: EarlierOrder, replayed: boolean): PlacedBet {
  return {
    billNo: order.billNo,
    remainMinor: order.balanceAfterMinor,
    traceId: order.traceId,
    answeredAtMs: order.betTimeMs,
    replayed,
  };
}

function playerKey({ platformId, platformUserId }: Pick<PlayerRef, 'platformId' | 'platformUserId'>): string {
  return `${platformId}:${platformUserId}`;
}
