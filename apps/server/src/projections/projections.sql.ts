/**
 * Adds entries of players' statements and tells which of them are new: one that comes again, even past the inbox, is
 * passed by.
 */
export const ADD_ENTRIES = `
INSERT INTO player_statement (message_key, platform_id, platform_user_id, player_id, round_id, bill_no, revision,
                              event, play_type, amount_minor, currency)
SELECT message_key, platform_id, platform_user_id, player_id, round_id, bill_no, revision, event, play_type,
       amount_minor, currency
  FROM unnest($1::text[], $2::integer[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::integer[],
              $8::text[], $9::text[], $10::bigint[], $11::text[])
    WITH ORDINALITY AS e(message_key, platform_id, platform_user_id, player_id, round_id, bill_no, revision,
                         event, play_type, amount_minor, currency, place)
 ORDER BY place
ON CONFLICT (message_key) DO NOTHING
RETURNING message_key`;

/**
 * Adds up reports of rounds, one row each. Sums are added; a field that one event knows is set by that event; nothing
 * is taken back by a message that comes late. Rounds go in the order of their ids, so that batches which touch the
 * same rounds wait for each other in one direction only.
 */
export const ADD_TO_REPORTS = `
INSERT INTO round_report AS report (round_id, game_id, room_id, orders, settled, stake_minor, payout_minor,
                                    started_at, revision, card_list, result, rounding_minor, ended)
SELECT round_id, game_id, room_id, orders, settled, stake_minor, payout_minor,
       to_timestamp(started_ms::numeric / 1000), revision, card_list, result, rounding_minor, ended
  FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::integer[], $10::text[], $11::text[], $12::numeric[], $13::boolean[])
    AS e(round_id, game_id, room_id, orders, settled, stake_minor, payout_minor,
         started_ms, revision, card_list, result, rounding_minor, ended)
 ORDER BY round_id
ON CONFLICT (round_id) DO UPDATE
  SET orders = report.orders + excluded.orders, settled = report.settled + excluded.settled,
      stake_minor = report.stake_minor + excluded.stake_minor,
      payout_minor = report.payout_minor + excluded.payout_minor,
      started_at = coalesce(report.started_at, excluded.started_at),
      card_list = CASE WHEN excluded.revision > report.revision THEN excluded.card_list ELSE report.card_list END,
      result = CASE WHEN excluded.revision > report.revision THEN excluded.result ELSE report.result END,
      rounding_minor = CASE WHEN excluded.revision > report.revision THEN excluded.rounding_minor
                            ELSE report.rounding_minor END,
      revision = greatest(report.revision, excluded.revision),
      ended = report.ended OR excluded.ended, updated_at = clock_timestamp()`;
