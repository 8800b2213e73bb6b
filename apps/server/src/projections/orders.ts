import { type Queryable } from '@dt/outbox';
import { Body, type ProjectedMessage } from './body.ts';

/**
 * Statement entries, and the round's counts from exactly those entries that are new: a message that comes again,
 * even past the inbox, adds to neither. Rounds go in the order of their ids, so that two batches that touch the same
 * rounds do not wait for each other.
 */
const APPLY = `
WITH entries AS MATERIALIZED (
  SELECT * FROM unnest($1::text[], $2::integer[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                       $8::text[], $9::integer[], $10::text[], $11::text[], $12::bigint[], $13::text[])
    WITH ORDINALITY AS e(message_key, platform_id, platform_user_id, player_id, round_id, game_id, room_id,
                         bill_no, revision, event, play_type, amount_minor, currency, place)
), added AS (
  INSERT INTO player_statement (message_key, platform_id, platform_user_id, player_id, round_id, bill_no, revision,
                                event, play_type, amount_minor, currency)
  SELECT message_key, platform_id, platform_user_id, player_id, round_id, bill_no, revision, event, play_type,
         amount_minor, currency
    FROM entries ORDER BY place
  ON CONFLICT (message_key) DO NOTHING
  RETURNING message_key
)
INSERT INTO round_report AS report (round_id, game_id, room_id, orders, settled, stake_minor, payout_minor)
SELECT round_id, min(game_id), min(room_id),
       count(*) FILTER (WHERE event = 'bet_placed'), count(*) FILTER (WHERE event = 'order_settled'),
       coalesce(-sum(amount_minor) FILTER (WHERE event = 'bet_placed'), 0),
       coalesce(sum(amount_minor) FILTER (WHERE event = 'order_settled'), 0)
  FROM entries JOIN added USING (message_key)
 GROUP BY round_id ORDER BY round_id
ON CONFLICT (round_id) DO UPDATE
  SET orders = report.orders + excluded.orders, settled = report.settled + excluded.settled,
      stake_minor = report.stake_minor + excluded.stake_minor,
      payout_minor = report.payout_minor + excluded.payout_minor, updated_at = clock_timestamp()`;

export type OrderEvent = 'bet_placed' | 'order_settled';

/** Applies any number of messages about orders in one statement. */
export async function applyOrders(
  tx: Queryable,
  messages: readonly ProjectedMessage[],
  event: OrderEvent,
): Promise<void> {
  if (messages.length === 0) return;
  const entries = messages.map((message) => entryOf(message, event));
  await tx.query(APPLY, [
    entries.map((entry) => entry.messageKey),
    entries.map((entry) => entry.platformId),
    entries.map((entry) => entry.platformUserId),
    entries.map((entry) => entry.playerId),
    entries.map((entry) => entry.roundId),
    entries.map((entry) => entry.gameId),
    entries.map((entry) => entry.roomId),
    entries.map((entry) => entry.billNo),
    entries.map((entry) => entry.revision),
    entries.map(() => event),
    entries.map((entry) => entry.playType),
    entries.map((entry) => entry.amountMinor.toString()),
    entries.map((entry) => entry.currency),
  ]);
}

function entryOf(message: ProjectedMessage, event: OrderEvent) {
  const body = new Body(message);
  return {
    messageKey: message.messageKey,
    platformId: body.integer('platform_id'),
    platformUserId: body.text('platform_user_id'),
    playerId: body.integer('user_id'),
    roundId: body.text('game_round_id'),
    gameId: body.text('game_id'),
    roomId: body.text('room_id'),
    billNo: body.text('bill_no'),
    revision: body.integer('revision'),
    playType: body.text('play_type'),
    amountMinor: event === 'bet_placed' ? -body.amount('bet_amount') : body.amount('payout'),
    currency: body.text('currency'),
  };
}
