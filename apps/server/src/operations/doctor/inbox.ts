import { type BoxState, deadRows, OLD_S, waitingRows, withoutDatabase } from './boxes.ts';
import { INBOX_STATE } from './boxes.sql.ts';
import { type Examination, fault, type Surroundings } from './types.ts';

interface InboxState extends BoxState {
  missing: number;
}

/** 7: messages arrive in the inbox and are applied. */
export async function examineInbox({ config, database, databaseFault }: Surroundings): Promise<Examination> {
  const group = config.rocketmq.consumer_group;
  const lookedAt = `table inbox, group ${group}`;
  if (database === undefined) return withoutDatabase(lookedAt, databaseFault);
  const { rows } = await database.query<InboxState>(INBOX_STATE, [group, OLD_S]);
  const state = rows[0] as InboxState;
  const faults = [
    ...waitingRows(
      state,
      'dt inbox list --status pending --oldest shows them; they are tried again by themselves',
    ),
    ...deadRows(state, 'dt inbox summary tells why, dt inbox replay applies them'),
  ];
  if (state.missing > 0)
    faults.push(
      fault(
        'not-applied',
        `${state.missing} of the last 1000 rows were sent more than ${OLD_S} s ago and have no inbox row`,
        'look at point 6: no member, or one that is behind; dt reconcile --projections names the rows',
      ),
    );
  return { lookedAt, found: `${state.pending} pending, ${state.dead} dead`, faults };
}
