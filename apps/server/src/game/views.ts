import { type Queryable } from '../database/index.ts';
import { checkText } from '../wallet/index.ts';
import { badParameter, roundNotFound } from './errors.ts';
import { ROUND_STATUS } from './life.ts';
import { ROUND, type RoundRow } from './rounds.sql.ts';
import type { BetRecord, BetsPage, BetsQuery, DrawResult, PlayerRef, RoundInfo, RoundView } from './types.ts';
import {
  BETS,
  BETS_COUNT,
  BETS_OF_ROUND,
  BETS_OF_ROUND_COUNT,
  SETTLEMENT,
  type BetRow,
  type SettlementRow,
} from './views.sql.ts';

const RESULT_NAMES = ['', 'dragon', 'tiger', 'tie'] as const;
const MAX_PAGE_SIZE = 100;
/** Pages by number read and throw away what comes before them; farther back a cursor is the way. */
const MAX_OFFSET = 100_000;
const FIRST_PAGE = '9223372036854775807';

export async function viewRound(on: Queryable, roundId: string): Promise<RoundView> {
  checkText('game_round_id', roundId);
  const round = (await on.query<RoundRow>(ROUND, [roundId])).rows[0];
  if (round === undefined) throw roundNotFound({ roundId });
  const roundInfo = infoOf(round);
  if (round.card_list === null || round.drawn_at === null) return { roundInfo };
  const settlement = (await on.query<SettlementRow>(SETTLEMENT, [roundId, round.revision])).rows[0];
  const drawResult: DrawResult = {
    cardList: round.card_list,
    result: RESULT_NAMES[round.game_result],
    resultCode: round.game_result,
    drawTimeMs: round.drawn_at.getTime(),
    totalOrders: settlement?.total_orders ?? 0,
    totalStakeMinor: BigInt(settlement?.total_stake_minor ?? 0),
    totalPayoutMinor: BigInt(settlement?.total_payout_minor ?? 0),
  };
  return { roundInfo, drawResult };
}

function infoOf(round: RoundRow): RoundInfo {
  return {
    roundId: round.round_id,
    gameId: round.game_id,
    roomId: round.room_id,
    state: round.state,
    statusCode: ROUND_STATUS[round.state],
    betStartTimeMs: round.bet_start_at.getTime(),
    betStopTimeMs: round.bet_stop_at.getTime(),
    drawTimeMs: round.drawn_at?.getTime() ?? 0,
    paytable: round.paytable,
    paytableVersion: round.paytable_version,
    revision: round.revision,
    isSettled: round.card_list !== null,
    traceId: round.trace_id,
    createdAtMs: round.created_at.getTime(),
    updatedAtMs: round.updated_at.getTime(),
  };
}

/** Newest first. A cursor points behind the last bet of a page: bets that come in meanwhile shift nothing. */
export async function listBets(on: Queryable, player: PlayerRef, query: BetsQuery): Promise<BetsPage> {
  const { page, pageSize, roundId, cursor } = query;
  checkText('platform_user_id', player.platformUserId);
  if (roundId !== undefined) checkText('game_round_id', roundId);
  if (!Number.isSafeInteger(page) || page < 1) throw badParameter('page must be a number from 1');
  if (!Number.isSafeInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE_SIZE) {
    throw badParameter(`page_size must be a number from 1 to ${MAX_PAGE_SIZE}`);
  }
  const offset = cursor === undefined ? (page - 1) * pageSize : 0;
  if (offset > MAX_OFFSET) throw badParameter('page is too far back: use cursor');
  const before = cursor === undefined ? FIRST_PAGE : decodeCursor(cursor);
  const who = [player.platformId, player.platformUserId];
  // One more than asked for tells whether there is another page.
  const window = [...who, before, pageSize + 1, offset];
  const [bets, count] = await Promise.all(
    roundId === undefined
      ? [on.query<BetRow>(BETS, window), on.query<{ total: string }>(BETS_COUNT, who)]
      : [
          on.query<BetRow>(BETS_OF_ROUND, [...window, roundId]),
          on.query<{ total: string }>(BETS_OF_ROUND_COUNT, [...who, roundId]),
        ],
  );
  const rows = bets.rows.slice(0, pageSize);
  const last = rows.at(-1);
  return {
    list: rows.map(toRecord),
    page,
    pageSize,
    total: Number(count.rows[0]?.total ?? 0),
    ...(bets.rows.length > pageSize && last !== undefined && { nextCursor: encodeCursor(last.order_id) }),
  };
}

function toRecord(row: BetRow): BetRecord {
  return {
    billNo: row.bill_no,
    roundId: row.round_id,
    playType: row.play_type,
    betStatus: row.bet_status,
    billStatus: row.bill_status,
    gameResult: row.game_result,
    betAmountMinor: BigInt(row.stake_minor),
    winAmountMinor: BigInt(row.payout_minor),
    betOdds: row.odds,
    betTimeMs: row.bet_at.getTime(),
    createdAtMs: row.bet_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  };
}

function encodeCursor(orderId: string): string {
  return Buffer.from(`o${orderId}`).toString('base64url');
}

function decodeCursor(cursor: string): string {
  const orderId = /^o([1-9]\d{0,18})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1];
  if (orderId === undefined || BigInt(orderId) > BigInt(FIRST_PAGE))
    throw badParameter('cursor is not one of ours');
  return orderId;
}
