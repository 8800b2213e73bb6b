import { type BoxState, deadRows, waitingRows, withoutDatabase } from './boxes.ts';
import { OUTBOX_STATE } from './boxes.sql.ts';
import { refusalByText } from './probe.ts';
import type { Examination, Surroundings } from './types.ts';

interface OutboxState extends BoxState {
  newest_sent: Date | null;
}

/** 5: rows of the outbox are sent. */
export async function examineOutbox({ database, databaseFault }: Surroundings): Promise<Examination> {
  const lookedAt = 'table outbox';
  if (database === undefined) return withoutDatabase(lookedAt, databaseFault);
  const { rows } = await database.query<OutboxState>(OUTBOX_STATE);
  const state = rows[0] as OutboxState;
  const waiting = waitingRows(
    state,
    'they go out by themselves once points 1 to 4 are good; dt outbox list --status pending --oldest shows them',
  );
  const refusal = waiting.length > 0 ? refusalByText(state.error ?? '') : undefined;
  const dead = deadRows(state, 'dt outbox summary tells why, dt outbox replay sends them');
  const last = state.newest_sent === null ? 'none sent yet' : `last sent ${state.newest_sent.toISOString()}`;
  return {
    lookedAt,
    found: `${state.pending} pending, ${state.dead} dead, ${last}`,
    faults: [...(refusal ? [refusal] : []), ...waiting, ...dead],
  };
}
