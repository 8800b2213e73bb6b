import { oldestPendingSql } from './schema/oldest-pending.sql.ts';
import { type Tables } from './schema/tables.ts';

/**
 * For this transaction: no plan but to walk an index and stop. With the statistics of an emptier table whole lanes would
 * be gathered and sorted to look at their first rows.
 */
export const walkIndexesSql = `SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true),
       set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`;

/** Pending rows of each lane, counted from its floor on. $1 lanes, $2 most rows counted of each. */
export const pendingByLaneSql = (t: Tables): string => `
SELECT l.lane, (
  SELECT count(*) FROM (
    SELECT FROM ${t.outbox} o WHERE o.status = 0 AND o.lane = l.lane AND o.id > l.floor LIMIT $2::int
  ) AS part
)::int AS pending
FROM ${t.lanes} l WHERE l.lane = ANY ($1::smallint[]) ORDER BY l.lane`;

export interface OutboxRow {
  readonly oldest_ms: number;
  readonly retrying: number;
  readonly dead: number;
}

/** $1 most rows counted of each kind. */
export const outboxSql = (t: Tables): string => `
SELECT greatest(0, coalesce(extract(epoch FROM clock_timestamp() - (${oldestPendingSql(t)})) * 1000, 0))::float8 AS oldest_ms,
       (SELECT count(*) FROM (
         SELECT FROM ${t.outbox} WHERE status = 0 AND next_attempt_at IS NOT NULL LIMIT $1::int) AS part)::int AS retrying,
       (SELECT count(*) FROM (SELECT FROM ${t.outbox} WHERE status = 2 LIMIT $1::int) AS part)::int AS dead`;

export interface InboxRow {
  readonly consumer_group: string;
  readonly pending: number;
  readonly oldest_ms: number;
  readonly dead: number;
}

/** $1 most rows looked at of each kind. */
export const inboxSql = (t: Tables): string => `
SELECT consumer_group, (count(*) FILTER (WHERE status = 0))::int AS pending,
       greatest(0, coalesce(extract(epoch FROM clock_timestamp() - min(received_at) FILTER (WHERE status = 0)) * 1000, 0))::float8
         AS oldest_ms,
       (count(*) FILTER (WHERE status = 2))::int AS dead
FROM (
  (SELECT consumer_group, status, received_at FROM ${t.inbox} WHERE status = 0 LIMIT $1::int)
  UNION ALL
  (SELECT consumer_group, status, received_at FROM ${t.inbox} WHERE status = 2 LIMIT $1::int)
) AS part GROUP BY consumer_group ORDER BY consumer_group`;

export interface RelayRow {
  readonly instance_id: string;
  readonly lease_ms: number;
  readonly sent_last_minute: string | number | bigint;
  readonly lanes: number;
}

export const relaysSql = (t: Tables): string => `
SELECT r.instance_id, (extract(epoch FROM r.expires_at - clock_timestamp()) * 1000)::float8 AS lease_ms,
       r.sent_last_minute, (SELECT count(*) FROM ${t.lanes} l WHERE l.owner = r.session_id)::int AS lanes
FROM ${t.relays} r WHERE r.expires_at > clock_timestamp() ORDER BY r.instance_id, r.session_id`;
