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
  /** Of the first row of each lane: how long ago it was written, in ms. */
  readonly age_ms: number | null;
}

/**
 * The next pending rows of several lanes, all from one snapshot. A walk of the partial index per lane, from that lane's
 * position: neither the rows behind the position nor their dead index entries are touched, so the cost follows the
 * rows returned and not the backlog. Writes nothing and locks nothing: the lane is the claim. The running sum cuts a
 * lane's rows by bytes before any large payload is fetched from its side table.
 * $1 lanes, $2 positions (exclusive), $3 most rows a lane, $4 most bytes a lane, $5 sharding keys that wait.
 */
export const claimSql = (t: Tables): string => `
SELECT * FROM ${t.claim}($1::smallint[], $2::bigint[], $3::int, $4::bigint, $5::text[])`;

/**
 * Writes down what is about to be handed to the publisher, and learns which lanes are still ours. One small row a batch
 * instead of an update a message. Losing it in a crash of the database costs no message, only the note that an attempt
 * was under way: hence no wait for the disk. An update of the lanes instead would leave a dead version of each a batch,
 * and under an old snapshot every later look at the lanes would wade through them.
 * $1 lanes, $2 epochs, $3 session, $4 ids.
 */
export const beginSql = (t: Tables): string => `
SELECT lane, flight FROM ${t.begin}($1::smallint[], $2::bigint[], $3::text, $4::bigint[])`;

/**
 * Marks rows sent; tells how many. Rows of a lane that has another epoch by now stay as they are: the lanes that are
 * still ours are locked first, in ascending order so that no two statements can deadlock. No wait for the disk: a mark
 * lost when the database crashes means a message sent again, which the inbox knows, and never one lost. The sharding key
 * is set to what it is: PostgreSQL prepares generated columns once a statement when one depends on what is set, and
 * otherwise, it seems, anew at each row, only to find nothing to do (18.4: 15 us a row, with it 12).
 * $1 lanes, $2 epochs, $3 flight, $4 ids, $5 message ids, $6 queue offsets.
 */
export const markSentSql = (t: Tables): string => `
SELECT ${t.markSent}($1::smallint[], $2::bigint[], $3::bigint, $4::bigint[], $5::text[], $6::bigint[]) AS marked`;

const relaxed = `relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS was)`;

/**
 * Writes down attempts that failed: status 0 with the time of the next one, or status 2. Fenced as the mark above.
 * $1 lanes, $2 epochs, $3 flight, $4 ids, $5 statuses, $6 delays in ms (null for none), $7 errors.
 */
export const markFailedSql = (t: Tables, holdsKeys: boolean): string => `
WITH ${relaxed}, landed AS (DELETE FROM ${t.flights} f USING relaxed WHERE f.id = $3::bigint),
fence AS MATERIALIZED (
  SELECT l.lane FROM ${t.lanes} l JOIN unnest($1::smallint[], $2::bigint[]) AS w(lane, epoch)
    ON w.lane = l.lane AND w.epoch = l.epoch
  ORDER BY l.lane FOR SHARE OF l
)
UPDATE ${t.outbox} o
SET status = m.status, attempts = o.attempts + 1, last_error = m.error,
    next_attempt_at = clock_timestamp() + m.delay_ms * interval '1 millisecond',
    died_at = CASE WHEN m.status = 2 THEN clock_timestamp() END, holds_key = ${holdsKeys ? 'm.status = 2' : 'false'}
FROM unnest($4::bigint[], $5::smallint[], $6::float8[], $7::text[]) AS m(id, status, delay_ms, error)
WHERE o.id = m.id AND o.status = 0 AND o.lane = ANY (ARRAY(SELECT lane FROM fence))`;

/** Takes back the note alone: the attempt did not happen, or its result is no message's fault. $1 flight. */
export const landSql = (t: Tables): string => `
WITH ${relaxed} DELETE FROM ${t.flights} f USING relaxed WHERE f.id = $1::bigint`;

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
