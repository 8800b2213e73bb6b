import { setTimeout as pause } from 'node:timers/promises';
import type { Queries } from '../play/index.ts';

/** How many messages of a round there are, and how far they have come. */
export interface RoundDelivery {
  readonly messages: number;
  readonly outboxSent: number;
  readonly inboxApplied: number;
}

const POLL_MS = 100;

// By the ids of the rows written since the round began: the round is in the payload, which has no index, and the
// outbox of a demo that ran for days is long.
const deliveryOfRound = `
  SELECT count(*)::int AS messages,
         (count(*) FILTER (WHERE o.status = 1))::int AS outbox_sent,
         (count(*) FILTER (WHERE EXISTS (
            SELECT FROM inbox i
             WHERE i.consumer_group = $3 AND i.message_key = o.message_key AND i.status = 1)))::int AS inbox_applied
    FROM outbox o
   WHERE o.id > $2::bigint AND o.payload ->> 'game_round_id' = $1`;

/** Waits until every message of the round is applied, at most for the given time, and says how far they came. */
export async function awaitRoundDelivery(
  database: Queries,
  options: { roundId: string; mark: string; consumerGroup: string; timeoutMs: number; signal: AbortSignal },
): Promise<RoundDelivery> {
  const { roundId, mark, consumerGroup, timeoutMs, signal } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { rows } = await database.query(deliveryOfRound, [roundId, mark, consumerGroup]);
    const [row] = rows as { messages: number; outbox_sent: number; inbox_applied: number }[];
    const delivery = {
      messages: row?.messages ?? 0,
      outboxSent: row?.outbox_sent ?? 0,
      inboxApplied: row?.inbox_applied ?? 0,
    };
    if (delivery.inboxApplied === delivery.messages || performance.now() + POLL_MS > deadline)
      return delivery;
    await pause(POLL_MS, undefined, { signal });
  }
}
