import { type Statement } from '../database/index.ts';

/**
 * The lock of everything these players do with money, taken in the order of their ids, as the settlement does: two
 * transactions that need the same players cannot wait for each other.
 */
export const LOCK_PLAYERS: Statement = {
  name: 'bets-lock-players',
  text: `
SELECT p.platform_id, p.platform_user_id, w.player_id, p.status, w.account_id, w.balance_minor
  FROM unnest($1::integer[], $2::text[]) AS asked(platform_id, platform_user_id)
  JOIN players p USING (platform_id, platform_user_id)
  JOIN wallets w ON w.player_id = p.player_id AND w.currency = $3
 ORDER BY w.player_id
   FOR NO KEY UPDATE OF w`,
};

/** Amounts as text: a number of JSON would pass through a float. */
export interface FactsRow {
  readonly now: Date;
  readonly earlier: readonly {
    readonly player_id: string;
    readonly idempotency_key: string;
    readonly bill_no: string;
    readonly game_id: string;
    readonly room_id: string;
    readonly round_id: string;
    readonly play_type: number;
    readonly stake_minor: string;
    readonly balance_after_minor: string;
    readonly trace_id: string;
    readonly bet_time_ms: string;
  }[];
  readonly by_player: readonly {
    readonly player_id: string;
    readonly play_type: number;
    readonly stake_minor: string;
  }[];
  readonly by_round: readonly { readonly play_type: number; readonly stake_minor: string }[];
}

/**
 * All that the judgement of a batch needs, in one row. Runs after the locks, so that its snapshot has whatever those
 * who held them before have committed, and its clock is not older than the wait.
 *
 * The stakes are looked up player by player (LATERAL): statistics never know the round that is being played, so a
 * plain join takes it for one row and reads all of its orders for each batch.
 */
export const FACTS: Statement = {
  name: 'bets-facts',
  text: `
SELECT date_trunc('milliseconds', clock_timestamp()) AS now,
  (SELECT coalesce(json_agg(json_build_object(
            'player_id', o.player_id::text, 'idempotency_key', o.idempotency_key, 'bill_no', o.bill_no,
            'game_id', r.game_id, 'room_id', r.room_id, 'round_id', o.round_id, 'play_type', o.play_type,
            'stake_minor', o.stake_minor::text, 'balance_after_minor', o.balance_after_minor::text,
            'trace_id', o.trace_id, 'bet_time_ms', (extract(epoch FROM o.bet_at) * 1000)::bigint::text)), '[]')
     FROM unnest($2::bigint[], $3::text[]) AS asked(player_id, idempotency_key)
     JOIN orders o USING (player_id, idempotency_key)
     JOIN rounds r USING (round_id)) AS earlier,
  (SELECT coalesce(json_agg(json_build_object(
            'player_id', player_id::text, 'play_type', play_type, 'stake_minor', stake_minor::text)), '[]')
     FROM (SELECT DISTINCT player_id FROM unnest($2::bigint[]) AS ids(player_id)) AS asked
     CROSS JOIN LATERAL (SELECT play_type, sum(o.stake_minor) AS stake_minor FROM orders o
                          WHERE o.round_id = $1 AND o.player_id = asked.player_id GROUP BY play_type) AS stakes) AS by_player,
  (SELECT coalesce(json_agg(json_build_object('play_type', play_type, 'stake_minor', stake_minor::text)), '[]')
     FROM round_totals WHERE round_id = $1) AS by_round`,
};

/** Orders, their debits and the round's totals, in one statement for any number of bets of one round. */
export const WRITE: Statement = {
  name: 'bets-write',
  text: `
WITH bets AS MATERIALIZED (
  SELECT * FROM unnest($8::text[], $9::bigint[], $10::bigint[], $11::smallint[], $12::bigint[], $13::text[],
                       $14::text[], $15::bigint[], $16::text[])
    WITH ORDINALITY AS b(bill_no, player_id, account_id, play_type, stake_minor, odds,
                         idempotency_key, balance_after_minor, trace_id, place)
), ordered AS (
  INSERT INTO orders (bill_no, round_id, player_id, play_type, stake_minor, currency, paytable, paytable_version, odds,
                      idempotency_key, balance_after_minor, revision, trace_id, bet_at, updated_at)
  SELECT bill_no, $1, player_id, play_type, stake_minor, $2, $3, $4, odds,
         idempotency_key, balance_after_minor, $5, trace_id, $6, $6
    FROM bets ORDER BY place
), transferred AS (
  INSERT INTO transfers (kind, reference, revision, from_account, to_account, amount_minor, currency, round_id,
                         trace_id, created_at)
  SELECT 'bet', bill_no, $5, account_id, $7, stake_minor, $2, $1, trace_id, $6 FROM bets ORDER BY place
), debited AS (
  UPDATE wallets SET balance_minor = balance_minor - spent.stake_minor, updated_at = $6
    FROM (SELECT player_id, sum(stake_minor)::bigint AS stake_minor FROM bets GROUP BY player_id) AS spent
   WHERE wallets.player_id = spent.player_id AND wallets.currency = $2
)
INSERT INTO round_totals AS total (round_id, play_type, orders, stake_minor)
SELECT $1, play_type, count(*), sum(stake_minor) FROM bets GROUP BY play_type ORDER BY play_type
ON CONFLICT (round_id, play_type) DO UPDATE
  SET orders = total.orders + excluded.orders, stake_minor = total.stake_minor + excluded.stake_minor`,
};
