// Not named: planned with the lengths of the arrays in sight, which is what keeps ten thousand orders from being
// joined row by row.

export interface OrderRow {
  readonly order_id: string;
  readonly bill_no: string;
  readonly player_id: string;
  readonly platform_id: number;
  readonly platform_user_id: string;
  readonly play_type: number;
  readonly stake_minor: string;
  readonly currency: string;
  readonly paytable: string;
  readonly paytable_version: number;
}

/**
 * All open orders of a round, and with them the lock on the wallet of every player in it, in the order of player ids.
 * Also of those who lost: the messages of one player get their ids while its wallet is locked, or a bet of the same
 * player in another room could overtake.
 */
export const LOCK_ORDERS = `
SELECT o.order_id, o.bill_no, o.player_id, p.platform_id, p.platform_user_id, o.play_type, o.stake_minor, o.currency,
       o.paytable, o.paytable_version
  FROM orders o
  JOIN players p ON p.player_id = o.player_id
  JOIN wallets w ON w.player_id = o.player_id AND w.currency = o.currency
 WHERE o.round_id = $1 AND o.bill_status = 1
 ORDER BY o.player_id, o.order_id
   FOR NO KEY UPDATE OF w`;

/**
 * The whole settlement but its messages: orders, payouts, the one transfer of the round's net, balances, the round,
 * its settlement row. $9 to $12 are arrays over the orders.
 *
 * Orders are joined on all of their key, the round included, and never filtered by `round_id = $1`: statistics do not
 * know the round that was just played, would take it for one row, and join ten thousand by ten thousand in a loop.
 */
export const SETTLE = `
WITH settled AS MATERIALIZED (
  SELECT $1::text AS round_id, s.* FROM unnest($9::bigint[], $10::bigint[], $11::text[], $12::bigint[])
    AS s(order_id, player_id, bill_no, payout_minor)
), clock AS MATERIALIZED (
  SELECT date_trunc('milliseconds', clock_timestamp()) AS now
), closed AS (
  UPDATE orders SET bill_status = 2, game_result = $3, payout_minor = settled.payout_minor, revision = $2,
                    updated_at = clock.now
    FROM settled, clock
   WHERE orders.round_id = settled.round_id AND orders.player_id = settled.player_id AND orders.order_id = settled.order_id
     AND orders.bill_status = 1
  RETURNING orders.order_id
), credited AS (
  UPDATE wallets SET balance_minor = balance_minor + paid.payout_minor, updated_at = clock.now
    FROM (SELECT player_id, sum(payout_minor)::bigint AS payout_minor FROM settled
           WHERE payout_minor > 0 GROUP BY player_id) AS paid, clock
   WHERE wallets.player_id = paid.player_id AND wallets.currency = $5
  RETURNING wallets.player_id, wallets.account_id
), transferred AS (
  INSERT INTO transfers (kind, reference, revision, from_account, to_account, amount_minor, currency, round_id,
                         trace_id, created_at)
  SELECT 'payout', settled.bill_no, $2, $6, credited.account_id, settled.payout_minor, $5, $1, $8, clock.now
    FROM settled JOIN credited USING (player_id), clock
   WHERE settled.payout_minor > 0
  UNION ALL
  SELECT 'house_net', $1, $2,
         CASE WHEN $13::bigint > 0 THEN $6::bigint ELSE $7::bigint END,
         CASE WHEN $13::bigint > 0 THEN $7::bigint ELSE $6::bigint END,
         abs($13::bigint), $5, $1, $8, clock.now
    FROM clock WHERE $13::bigint <> 0
), summed AS (
  INSERT INTO settlements (round_id, revision, card_list, game_result, total_orders, total_stake_minor,
                           total_payout_minor, house_net_minor, rounding_minor, actor, trace_id, settled_at)
  SELECT $1, $2, $4, $3, cardinality($9::bigint[]), $14::bigint, $14::bigint - $13::bigint, $13::bigint, $15, $16, $8,
         clock.now
    FROM clock
), moved AS (
  UPDATE rounds SET state = 'settled', card_list = $4, game_result = $3, drawn_at = clock.now, updated_at = clock.now
    FROM clock WHERE round_id = $1
)
SELECT (SELECT count(*) FROM closed)::integer AS closed`;
