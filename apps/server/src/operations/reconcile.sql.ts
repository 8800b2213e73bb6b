export interface Check {
  readonly name: string;
  /** Only true once all messages have arrived. */
  readonly projections: boolean;
  /** Whether `$2` of the text is the consumer group. */
  readonly ofGroup: boolean;
  /** Gives `subject` and `detail` of each row that breaks the invariant. */
  readonly text: string;
}

const check = (name: string, text: string): Check => ({ name, projections: false, ofGroup: false, text });
const ofProjections = (name: string, text: string): Check => ({ ...check(name, text), projections: true });

const ENTRIES = `
  SELECT to_account AS account_id, amount_minor, currency, round_id, revision FROM transfers
  UNION ALL
  SELECT from_account, -amount_minor, currency, round_id, revision FROM transfers`;

/** One query an invariant, in the numbering of the rules: 1 to 4, 6, 7, 19, and what they lean on. */
export const CHECKS: readonly Check[] = [
  // 1. One row is both ends of a transfer, so only a row that is no transfer can break it.
  check(
    'transfers-sum-to-zero',
    `SELECT currency AS subject, 'the ledger sums to ' || sum(amount_minor) AS detail
       FROM (${ENTRIES}) AS e GROUP BY currency HAVING sum(amount_minor) <> 0`,
  ),
  check(
    'transfers-have-accounts',
    `SELECT transfer_id::text AS subject, 'from ' || from_account || ' to ' || to_account || ': no such account' AS detail
       FROM transfers t
      WHERE NOT EXISTS (SELECT FROM accounts WHERE account_id = t.from_account AND currency = t.currency)
         OR NOT EXISTS (SELECT FROM accounts WHERE account_id = t.to_account AND currency = t.currency)`,
  ),
  // 2.
  check(
    'balance-is-sum-of-entries',
    `SELECT 'player ' || w.player_id AS subject,
            'balance ' || w.balance_minor || ', entries ' || coalesce(e.sum, 0) AS detail
       FROM wallets w
       LEFT JOIN (SELECT account_id, sum(amount_minor) FROM (${ENTRIES}) AS e GROUP BY account_id) AS e USING (account_id)
      WHERE w.balance_minor <> coalesce(e.sum, 0)`,
  ),
  // 3. Summed from the transfers themselves, not from the settlement's own row.
  check(
    'round-adds-up',
    `SELECT r.round_id AS subject,
            format('stakes %s, payouts %s, refunds %s, house net %s', s.stakes, s.payouts, s.refunds, s.net) AS detail
       FROM rounds r
       JOIN (SELECT t.round_id, t.revision,
                    coalesce(sum(t.amount_minor) FILTER (WHERE t.kind = 'bet'), 0) AS stakes,
                    coalesce(sum(t.amount_minor) FILTER (WHERE t.kind = 'payout'), 0) AS payouts,
                    coalesce(sum(t.amount_minor) FILTER (WHERE t.kind = 'refund'), 0) AS refunds,
                    coalesce(sum(CASE WHEN t.kind <> 'house_net' THEN 0 WHEN a.kind = 'house' THEN t.amount_minor
                                      ELSE -t.amount_minor END), 0) AS net
               FROM transfers t JOIN accounts a ON a.account_id = t.to_account
              WHERE t.round_id IS NOT NULL GROUP BY t.round_id, t.revision) AS s USING (round_id, revision)
      WHERE r.state IN ('settled', 'ended', 'voided') AND s.stakes <> s.payouts + s.refunds + s.net`,
  ),
  check(
    'settlement-equals-transfers',
    `SELECT s.round_id AS subject,
            format('settlement says stakes %s, payouts %s, orders %s; the ledger %s, %s, %s', s.total_stake_minor,
                   s.total_payout_minor, s.total_orders, t.stakes, t.payouts, t.orders) AS detail
       FROM settlements s,
            LATERAL (SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 'bet'), 0) AS stakes,
                            coalesce(sum(amount_minor) FILTER (WHERE kind = 'payout'), 0) AS payouts,
                            count(*) FILTER (WHERE kind = 'bet') AS orders
                       FROM transfers WHERE round_id = s.round_id AND revision = s.revision) AS t
      WHERE (s.total_stake_minor, s.total_payout_minor, s.total_orders) IS DISTINCT FROM (t.stakes, t.payouts, t.orders)`,
  ),
  check(
    'settled-round-has-settlement',
    `SELECT round_id AS subject, 'state ' || state || ' without a settlement of revision ' || revision AS detail
       FROM rounds r
      WHERE (state IN ('settled', 'ended')) <>
            EXISTS (SELECT FROM settlements s WHERE s.round_id = r.round_id AND s.revision = r.revision)`,
  ),
  // 4.
  check(
    'order-has-one-outcome',
    `SELECT o.bill_no AS subject,
            format('round %s is %s, the order %s', o.round_id, r.state,
                   CASE o.bill_status WHEN 1 THEN 'open' WHEN 2 THEN 'settled' ELSE 'cancelled' END) AS detail
       FROM orders o JOIN rounds r USING (round_id)
      WHERE (r.state IN ('settled', 'ended')) <> (o.bill_status = 2)
         OR (o.bill_status = 2 AND (o.game_result <> r.game_result OR o.revision <> r.revision))`,
  ),
  check(
    'payout-equals-order',
    `SELECT coalesce(o.bill_no, t.reference) AS subject,
            format('the order says %s, the ledger %s', coalesce(o.payout_minor, 0), coalesce(t.amount_minor, 0)) AS detail
       FROM (SELECT * FROM orders WHERE bill_status = 2) AS o
       FULL JOIN (SELECT * FROM transfers WHERE kind = 'payout') AS t ON t.reference = o.bill_no AND t.revision = o.revision
      WHERE coalesce(o.payout_minor, 0) <> coalesce(t.amount_minor, 0)`,
  ),
  // 6.
  check(
    'one-debit-per-order',
    `SELECT coalesce(o.bill_no, t.reference) AS subject,
            format('the order says %s, the ledger %s', coalesce(o.stake_minor, 0), coalesce(t.amount_minor, 0)) AS detail
       FROM orders o
       FULL JOIN (SELECT reference, sum(amount_minor) AS amount_minor, count(*) AS times, min(from_account) AS from_account
                    FROM transfers WHERE kind = 'bet' GROUP BY reference) AS t ON t.reference = o.bill_no
       LEFT JOIN wallets w ON w.player_id = o.player_id AND w.currency = o.currency
      WHERE o.stake_minor IS DISTINCT FROM t.amount_minor OR t.times <> 1 OR w.account_id IS DISTINCT FROM t.from_account`,
  ),
  check(
    'round-totals-equal-orders',
    `SELECT coalesce(t.round_id, o.round_id) || ' play ' || coalesce(t.play_type, o.play_type) AS subject,
            format('totals say %s, the orders %s', coalesce(t.stake_minor, 0), coalesce(o.stake_minor, 0)) AS detail
       FROM round_totals t
       FULL JOIN (SELECT round_id, play_type, count(*) AS orders, sum(stake_minor) AS stake_minor
                    FROM orders GROUP BY round_id, play_type) AS o USING (round_id, play_type)
      WHERE t.stake_minor IS DISTINCT FROM o.stake_minor OR t.orders IS DISTINCT FROM o.orders`,
  ),
  // 7. Retention drops sent rows: those of orders older than its mark may be gone.
  check(
    'one-outbox-row-per-event',
    `SELECT message_key AS subject, count(*) || ' outbox rows' AS detail
       FROM outbox GROUP BY message_key HAVING count(*) > 1`,
  ),
  check(
    'order-has-outbox-rows',
    `SELECT o.bill_no || ':' || o.revision || ':' || event AS subject, 'no outbox row' AS detail
       FROM orders o
       CROSS JOIN LATERAL (VALUES ('bet_placed', true), ('order_settled', o.bill_status = 2)) AS e(event, expected)
      WHERE expected AND o.bet_at >= (
        SELECT coalesce(dropped_before, '-infinity') FROM outbox_retention WHERE box = 'outbox')
        AND NOT EXISTS (
        SELECT FROM outbox WHERE message_key = o.bill_no || ':' || o.revision || ':' || event)`,
  ),
  // The other half of the road. Retention drops applied rows of the inbox as well.
  {
    ...ofProjections(
      'sent-row-is-applied',
      `SELECT o.message_key AS subject,
              format('outbox row %s is sent, the inbox row of %s is %s', o.id, $2::text,
                     CASE i.status WHEN 0 THEN 'pending' WHEN 2 THEN 'dead' ELSE 'missing' END) AS detail
         FROM outbox o
         LEFT JOIN inbox i ON i.consumer_group = $2 AND i.message_key = o.message_key
        WHERE o.status = 1 AND i.status IS DISTINCT FROM 1
          AND (i.status IS NOT NULL OR o.sent_at >= (
            SELECT coalesce(dropped_before, '-infinity') FROM outbox_retention WHERE box = 'inbox'))`,
    ),
    ofGroup: true,
  },
  // 19.
  ofProjections(
    'statement-equals-ledger',
    `SELECT coalesce(s.bill_no, o.bill_no) AS subject,
            format('the statement has %s entries and %s, the order %s and %s', coalesce(s.entries, 0),
                   coalesce(s.net, 0), coalesce(o.entries, 0), coalesce(o.net, 0)) AS detail
       FROM (SELECT bill_no, player_id, count(*) AS entries, sum(amount_minor) AS net
               FROM player_statement GROUP BY bill_no, player_id) AS s
       FULL JOIN (SELECT bill_no, player_id, CASE bill_status WHEN 2 THEN 2 ELSE 1 END AS entries,
                         payout_minor - stake_minor AS net FROM orders) AS o USING (bill_no, player_id)
      WHERE s.entries IS DISTINCT FROM o.entries OR s.net IS DISTINCT FROM o.net`,
  ),
  ofProjections(
    'report-equals-ledger',
    `SELECT r.round_id AS subject,
            format('the report says %s orders, stakes %s, payouts %s, result %s; the ledger %s, %s, %s, %s',
                   coalesce(p.orders, 0), coalesce(p.stake_minor, 0), coalesce(p.payout_minor, 0), coalesce(p.result, '-'),
                   o.orders, o.stakes, o.payouts, r.game_result) AS detail
       FROM rounds r
       CROSS JOIN LATERAL (SELECT count(*) AS orders, coalesce(sum(stake_minor), 0) AS stakes,
                                  coalesce(sum(payout_minor), 0) AS payouts FROM orders WHERE round_id = r.round_id) AS o
       LEFT JOIN round_report p USING (round_id)
      WHERE (coalesce(p.orders, 0), coalesce(p.stake_minor, 0), coalesce(p.payout_minor, 0), coalesce(p.ended, false))
              IS DISTINCT FROM (o.orders, o.stakes, o.payouts, r.state = 'ended')
         OR coalesce(p.result, '') <> CASE r.game_result WHEN 1 THEN 'dragon' WHEN 2 THEN 'tiger' WHEN 3 THEN 'tie' ELSE '' END`,
  ),
];
