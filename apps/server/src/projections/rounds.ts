import { type Queryable } from '@dt/outbox';
import { Body, type ProjectedMessage } from './body.ts';

/** Each field is set by the one event that knows it; nothing is ever taken back by a message that comes late. */
const APPLY = `
INSERT INTO round_report AS report
  (round_id, game_id, room_id, started_at, revision, card_list, result, rounding_minor, ended)
SELECT * FROM (
  SELECT DISTINCT ON (round_id) round_id, game_id, room_id, to_timestamp(started_ms::numeric / 1000), revision,
         card_list, result, rounding_minor, ended
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::integer[], $6::text[], $7::text[],
                $8::numeric[], $9::boolean[])
      AS e(round_id, game_id, room_id, started_ms, revision, card_list, result, rounding_minor, ended)
   ORDER BY round_id, revision DESC) AS latest
ON CONFLICT (round_id) DO UPDATE
  SET started_at = coalesce(report.started_at, excluded.started_at),
      card_list = CASE WHEN excluded.revision > report.revision THEN excluded.card_list ELSE report.card_list END,
      result = CASE WHEN excluded.revision > report.revision THEN excluded.result ELSE report.result END,
      rounding_minor = CASE WHEN excluded.revision > report.revision THEN excluded.rounding_minor
                            ELSE report.rounding_minor END,
      revision = greatest(report.revision, excluded.revision),
      ended = report.ended OR excluded.ended, updated_at = clock_timestamp()`;

export type RoundEvent = 'game_started' | 'game_drawn' | 'game_ended';

/** Applies any number of messages of one event about rounds in one statement. */
export async function applyRounds(
  tx: Queryable,
  messages: readonly ProjectedMessage[],
  event: RoundEvent,
): Promise<void> {
  if (messages.length === 0) return;
  const bodies = messages.map((message) => new Body(message));
  const drawn = event === 'game_drawn';
  await tx.query(APPLY, [
    bodies.map((body) => body.text('game_round_id')),
    bodies.map((body) => body.text('game_id')),
    bodies.map((body) => body.text('room_id')),
    bodies.map((body) => (event === 'game_started' ? body.integer('bet_start_time') : null)),
    bodies.map((body) => (drawn ? body.integer('revision') : 0)),
    bodies.map((body) => (drawn ? body.text('card_list') : null)),
    bodies.map((body) => (drawn ? body.text('result') : null)),
    bodies.map((body) => (drawn ? body.text('rounding') : null)),
    bodies.map(() => event === 'game_ended'),
  ]);
}
