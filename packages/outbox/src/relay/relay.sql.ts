import { type Tables } from '../schema/tables.ts';

export interface ClaimedRow {
  readonly id: string | number | bigint;
  readonly lane: number;
  readonly topic: string;
  readonly tag: string | null;
  readonly message_key: string;
  readonly sharding_key: string;
  readonly payload: string;
  readonly headers: string | null;
  readonly attempts: number;
  readonly crashes: number;
  /** Stored size of the lane's payloads up to and with this row. */
  readonly walked_bytes: string | number | bigint;
  /** Milliseconds until the row may be tried, by the database's clock; null or negative when it may be now. */
  readonly wait_ms: number | null;
}

/**
 * The next pending rows of several lanes, all from one snapshot. A walk of the partial index per lane, from that lane's
 * position: neither the rows behind the position nor their dead index entries are touched, so the cost follows the
 * rows returned and not the backlog. Writes nothing and locks nothing: the lane is the claim. The running sum cuts a
 * lane's rows by bytes before any large payload is fetched from its side table.
 * $1 lanes, $2 positions (exclusive), $3 most rows a lane, $4 most bytes a lane, $5 sharding keys that wait.
 */
export const claimSql = (t: Tables): string => `
SELECT r.id, r.lane, r.topic, r.tag, r.message_key, r.sharding_key, r.payload::text AS payload,
       r.headers::text AS headers, r.attempts, r.crashes, r.walked_bytes,
       (extract(epoch FROM r.next_attempt_at - clock_timestamp()) * 1000)::float8 AS wait_ms
FROM unnest($1::smallint[], $2::bigint[]) AS want(lane, after_id)
CROSS JOIN LATERAL (
  SELECT o.*, pg_column_size(o.payload) AS size_bytes,
         sum(pg_column_size(o.payload)) OVER (ORDER BY o.id ROWS UNBOUNDED PRECEDING) AS walked_bytes
  FROM ${t.outbox} o
  WHERE o.status = 0 AND o.lane = want.lane AND o.id > want.after_id AND o.sharding_key <> ALL ($5::text[])
  ORDER BY o.id
  LIMIT $3::int
) AS r
WHERE r.walked_bytes - r.size_bytes < $4::bigint`;

/**
 * Writes down what is about to be handed to the publisher, and learns which lanes are still ours. One small HOT update
 * a lane and batch instead of one a row. Losing it in a crash of the database costs no message, only the note that an
 * attempt was under way: hence no wait for the disk.
 * $1 lanes, $2 epochs, $3 ids as array literals.
 */
export const beginSql = (t: Tables): string => `
WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS was),
held AS MATERIALIZED (
  SELECT l.lane, w.ids FROM ${t.lanes} l
  JOIN unnest($1::smallint[], $2::bigint[], $3::text[]) AS w(lane, epoch, ids) ON w.lane = l.lane AND w.epoch = l.epoch
  ORDER BY l.lane FOR UPDATE OF l
)
UPDATE ${t.lanes} l SET inflight = held.ids::bigint[]
FROM held, relaxed WHERE l.lane = held.lane RETURNING l.lane`;

/** Locks the lanes that are still ours at the given epoch, in ascending order so that no two statements can deadlock. */
const fence = (t: Tables): string => `
relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS was),
fence AS MATERIALIZED (
  SELECT l.lane FROM ${t.lanes} l JOIN unnest($1::smallint[], $2::bigint[]) AS w(lane, epoch)
    ON w.lane = l.lane AND w.epoch = l.epoch
  ORDER BY l.lane FOR SHARE OF l
)`;

/**
 * Marks rows sent. Rows of a lane that has another epoch by now stay as they are. No wait for the disk: a mark lost
 * when the database crashes means a message sent again, which the inbox knows, and never one lost.
 * $1 lanes, $2 epochs, $3 ids, $4 message ids, $5 queue offsets.
 */
export const markSentSql = (t: Tables): string => `
WITH ${fence(t)}
UPDATE ${t.outbox} o
SET status = 1, sent_at = now(), attempts = o.attempts + 1, message_id = m.message_id, queue_offset = m.queue_offset
FROM unnest($3::bigint[], $4::text[], $5::bigint[]) AS m(id, message_id, queue_offset), relaxed
WHERE o.id = m.id AND o.status = 0 AND o.lane IN (SELECT lane FROM fence)`;

/**
 * Writes down attempts that failed: status 0 with the time of the next one, or status 2. Clears the lanes' in-flight
 * notes, so that a later crash is not counted against rows that were not being sent.
 * $1 lanes, $2 epochs, $3 ids, $4 statuses, $5 delays in ms (null for none), $6 errors.
 */
export const markFailedSql = (t: Tables): string => `
WITH ${fence(t)}, cleared AS (
  UPDATE ${t.lanes} l SET inflight = '{}' FROM fence, relaxed WHERE l.lane = fence.lane
)
UPDATE ${t.outbox} o
SET status = m.status, attempts = o.attempts + 1, last_error = m.error,
    next_attempt_at = clock_timestamp() + m.delay_ms * interval '1 millisecond'
FROM unnest($3::bigint[], $4::smallint[], $5::float8[], $6::text[]) AS m(id, status, delay_ms, error)
WHERE o.id = m.id AND o.status = 0 AND o.lane IN (SELECT lane FROM fence)`;

/** Clears the in-flight notes alone: the attempt did not happen, or its result is no message's fault. */
export const clearInflightSql = (t: Tables): string => `
WITH ${fence(t)}
UPDATE ${t.lanes} l SET inflight = '{}' FROM fence, relaxed WHERE l.lane = fence.lane AND l.inflight <> '{}'`;

/** The greatest id handed out so far. */
export const lastIdSql = (t: Tables): string =>
  `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last_id FROM ${t.outboxSequence}`;

/**
 * Transactions that may hold ids not yet visible: an INSERT locks the table before it takes an id, and keeps the lock
 * to its end. Modes that an inserting transaction can have; readers and VACUUM are not among them.
 */
export const writersSql = (t: Tables): string => `
SELECT DISTINCT virtualtransaction AS writer FROM pg_locks
WHERE locktype = 'relation' AND granted AND relation = '${t.outbox.replaceAll("'", "''")}'::regclass
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`;
