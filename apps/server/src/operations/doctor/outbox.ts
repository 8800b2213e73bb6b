import { refusalByText } from './probe.ts';
import { type Examination, fault, type Fault, skip, type Surroundings } from './types.ts';
import { OUTBOX_STATE } from './boxes.sql.ts';

interface OutboxState {
  pending: number;
  dead: number;
  oldest_s: number | null;
  newest_sent: Date | null;
  error: string | null;
}

/** From this age on a row that waits is no longer on its way. */
const OLD_S = 30;

/** 5: rows of the outbox are sent. */
export async function examineOutbox({ database, databaseFault }: Surroundings): Promise<Examination> {
  const lookedAt = 'table outbox';
  if (database === undefined)
    return databaseFault === undefined
      ? skip(lookedAt, 'no database')
      : { lookedAt, found: '', faults: [databaseFault] };
  const { rows } = await database.query<OutboxState>(OUTBOX_STATE);
  const {
    pending = 0,
    dead = 0,
    oldest_s: oldest = null,
    newest_sent: sent = null,
    error = null,
  } = rows[0] ?? {};
  const faults: Fault[] = [];
  if (oldest !== null && oldest > OLD_S) {
    const refusal = refusalByText(error ?? '');
    if (refusal !== undefined) faults.push(refusal);
    const cause = error === null ? '' : `; last error: ${error}`;
    faults.push(
      fault(
        'rows-wait',
        `${pending} rows at status 0, the oldest for ${Math.round(oldest)} s${cause}`,
        'they go out by themselves once points 1 to 4 are good; dt outbox list --status pending --oldest shows them',
      ),
    );
  }
  if (dead > 0)
    faults.push(
      fault(
        'dead-rows',
        `${dead} rows at status 2`,
        'dt outbox summary tells why, dt outbox replay sends them',
      ),
    );
  const last = sent === null ? 'none sent yet' : `last sent ${sent.toISOString()}`;
  return { lookedAt, found: `${pending} pending, ${dead} dead, ${last}`, faults };
}
