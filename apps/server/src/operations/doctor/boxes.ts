import { type Examination, fault, type Fault, skip } from './types.ts';

/** What outbox and inbox have in common. */
export interface BoxState {
  pending: number;
  dead: number;
  oldest_s: number | null;
  /** Of the oldest row that has one. */
  error: string | null;
}

/** From this age on a row that waits is no longer on its way. */
export const OLD_S = 30;

export function waitingRows({ pending, oldest_s: oldest, error }: BoxState, fix: string): Fault[] {
  if (oldest === null || oldest <= OLD_S) return [];
  const cause = error === null ? '' : `; last error: ${error}`;
  return [
    fault('rows-wait', `${pending} rows at status 0, the oldest for ${Math.round(oldest)} s${cause}`, fix),
  ];
}

export function deadRows({ dead }: BoxState, fix: string): Fault[] {
  return dead === 0 ? [] : [fault('dead-rows', `${dead} rows at status 2`, fix)];
}

/** What a point of the database comes to without one. */
export function withoutDatabase(lookedAt: string, databaseFault: Fault | undefined): Examination {
  return databaseFault === undefined
    ? skip(lookedAt, 'no database')
    : { lookedAt, found: '', faults: [databaseFault] };
}
