import { INBOX_STATE } from './boxes.sql.ts';
import { type Examination, fault, type Fault, skip, type Surroundings } from './types.ts';

interface InboxState {
  pending: number;
  dead: number;
  oldest_s: number | null;
  error: string | null;
  missing: number;
}

/** From this age on a message is no longer on its way. */
const OLD_S = 30;

/** 7: messages arrive in the inbox and are applied. */
export async function examineInbox({ config, database, databaseFault }: Surroundings): Promise<Examination> {
  const group = config.rocketmq.consumer_group;
  const lookedAt = `table inbox, group ${group}`;
  if (database === undefined)
    return databaseFault === undefined
      ? skip(lookedAt, 'no database')
      : { lookedAt, found: '', faults: [databaseFault] };
  const { rows } = await database.query<InboxState>(INBOX_STATE, [group, OLD_S]);
  const { pending = 0, dead = 0, oldest_s: oldest = null, error, missing = 0 } = rows[0] ?? {};
  const faults: Fault[] = [];
  if (oldest !== null && oldest > OLD_S)
    faults.push(
      fault(
        'rows-wait',
        `${pending} rows at status 0, the oldest for ${Math.round(oldest)} s; last error: ${error ?? 'none'}`,
        'dt inbox list --status pending --oldest shows them; they are tried again by themselves',
      ),
    );
  if (dead > 0)
    faults.push(
      fault(
        'dead-rows',
        `${dead} rows at status 2`,
        'dt inbox summary tells why, dt inbox replay applies them',
      ),
    );
  if (missing > 0)
    faults.push(
      fault(
        'not-applied',
        `${missing} of the last 1000 rows were sent more than ${OLD_S} s ago and have no inbox row`,
        'look at point 6: no member, or one that is behind; dt reconcile --projections names the rows',
      ),
    );
  return { lookedAt, found: `${pending} pending, ${dead} dead`, faults };
}
