import { type Box } from '../dead-letters/letter.ts';
import { oldestPendingSql } from '../schema/oldest-pending.sql.ts';
import { type Tables } from '../schema/tables.ts';

export interface TakenRow {
  /** Rows done before this time may go; as text, so that no microsecond is lost on its way back. */
  readonly cutoff: string;
}

/**
 * Takes the duty, or goes on with it; no row when another process has it. The inbox keeps what a row of the outbox that
 * is still pending may have been sent as already. $1 owner, $2 lease in ms, $3 age in ms.
 */
export const takeSql = (t: Tables, box: Box): string => `
WITH cutoff AS MATERIALIZED (
  SELECT least(clock_timestamp() - $3::float8 * interval '1 millisecond'${
    box === 'inbox' ? `, (${oldestPendingSql(t)})` : ''
  }) AS at
)
UPDATE ${t.retention} r
SET owner = $1, expires_at = clock_timestamp() + $2::float8 * interval '1 millisecond',
    dropped_before = greatest(r.dropped_before, cutoff.at)
FROM cutoff
WHERE r.box = '${box}' AND (r.owner IS NULL OR r.owner = $1 OR r.expires_at <= clock_timestamp())
RETURNING cutoff.at::text AS cutoff`;

export interface SweptRow {
  /** Whether the duty was still ours: nothing was dropped otherwise. */
  readonly mine: boolean;
  readonly dropped: number;
  readonly walked: number;
  /** Rows among the walked that are older than the cutoff, dropped or not. */
  readonly old: number;
  /** The last of those. */
  readonly last_old_id: string | number | bigint | null;
}

const DONE = {
  outbox: { born: 'created_at', done: 'l.status = 1 AND l.sent_at < $5::timestamptz' },
  // A dead row may be replayed however late, and may have been sent when the process died: its key is remembered.
  inbox: {
    born: 'received_at',
    done: `l.status = 1 AND l.processed_at < $5::timestamptz
           AND l.message_key NOT IN (SELECT o.message_key FROM OUTBOX o WHERE o.status = 2)`,
  },
} as const;

/**
 * Walks the next rows in the order of their ids and drops those that are done for long enough. Only rows that nobody
 * writes any more are locked. The ids go in as an array: a join would be planned for a tenth of the table. No wait for
 * the disk: what a crash brings back is dropped again.
 * $1 owner, $2 lease in ms, $3 position (exclusive), $4 most rows, $5 cutoff.
 */
export const sweepSql = (t: Tables, box: Box): string => {
  const { born, done } = DONE[box];
  return `
WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS was),
mine AS (
  UPDATE ${t.retention} r SET expires_at = clock_timestamp() + $2::float8 * interval '1 millisecond'
  FROM relaxed WHERE r.box = '${box}' AND r.owner = $1 AND r.expires_at > clock_timestamp() RETURNING r.box
), walked AS MATERIALIZED (
  SELECT l.id, l.${born} < $5::timestamptz AS old, ${done.replace('OUTBOX', t.outbox)} AS done
  FROM ${t[box]} l WHERE l.id > $3::bigint ORDER BY l.id LIMIT $4::int
), dropped AS (
  DELETE FROM ${t[box]} l
  WHERE l.id = ANY (ARRAY(SELECT id FROM walked WHERE done)) AND l.status = 1 AND EXISTS (SELECT FROM mine)
  RETURNING l.id
), forgotten AS (
  DELETE FROM ${t.replays} r USING dropped d WHERE r.box = '${box}' AND r.row_id = d.id
)
SELECT EXISTS (SELECT FROM mine) AS mine, (SELECT count(*) FROM dropped)::int AS dropped, count(*)::int AS walked,
       (count(*) FILTER (WHERE old))::int AS old, max(id) FILTER (WHERE old) AS last_old_id
FROM walked`;
};

/** Lets others have the duty. $1 owner. */
export const yieldSql = (t: Tables): string =>
  `UPDATE ${t.retention} SET owner = NULL, expires_at = NULL WHERE owner = $1`;
