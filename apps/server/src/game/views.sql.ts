// Not named: planned afresh for each question, since the tables grow while connections live.

export interface SettlementRow {
  readonly total_orders: number;
  readonly total_stake_minor: string;
  readonly total_payout_minor: string;
}

export const SETTLEMENT = `SELECT total_orders, total_stake_minor, total_payout_minor FROM settlements
          WHERE round_id = $1 AND revision = $2`;

export interface BetRow {
  readonly order_id: string;
  readonly bill_no: string;
  readonly round_id: string;
  readonly play_type: number;
  readonly bet_status: number;
  readonly bill_status: number;
  readonly game_result: 0 | 1 | 2 | 3;
  readonly stake_minor: string;
  readonly payout_minor: string;
  readonly odds: string;
  readonly bet_at: Date;
  readonly updated_at: Date;
}

const BET = `o.order_id, o.bill_no, o.round_id, o.play_type, o.bet_status, o.bill_status, o.game_result, o.stake_minor,
  o.payout_minor, o.odds, o.bet_at, o.updated_at`;
const OF_PLAYER = `FROM players p JOIN orders o ON o.player_id = p.player_id
  WHERE p.platform_id = $1 AND p.platform_user_id = $2`;

/** Ids of one player grow with time: they are given while its wallet is locked. One statement per way to ask, so that each has the plan of its index. */
export const BETS = `SELECT ${BET} ${OF_PLAYER} AND o.order_id < $3 ORDER BY o.order_id DESC LIMIT $4 OFFSET $5`;
export const BETS_COUNT = `SELECT count(*) AS total ${OF_PLAYER}`;
export const BETS_OF_ROUND = `SELECT ${BET} ${OF_PLAYER} AND o.order_id < $3 AND o.round_id = $6 ORDER BY o.order_id DESC LIMIT $4 OFFSET $5`;
export const BETS_OF_ROUND_COUNT = `SELECT count(*) AS total ${OF_PLAYER} AND o.round_id = $3`;
