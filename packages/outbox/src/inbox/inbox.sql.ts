import { type Tables } from '../schema/tables.ts';

export interface InsertedRow {
  readonly message_key: string;
  /** 1: to be applied now, in this transaction. 0: waits behind an earlier one of its key. 2: unreadable. */
  readonly status: number;
}

/**
 * Stores the messages not seen before. They go in as done at once, for they only become visible together with their
 * effect: one write a row. Sorted by key before the insert, so that two batches that overlap cannot deadlock; the id
 * is drawn before that, in the order of arrival. Statements after this one are bound by $10 ms.
 * $1 group, $2 keys, $3 topics, $4 tags, $5 sharding keys, $6 payloads, $7 bodies in hex, $8 headers, $9 message ids,
 * $10 statement time-out, $11 errors.
 */
export const insertSql = (t: Tables): string => `
SELECT message_key, status FROM ${t.inboxInsert}(
  $1::text, $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text, $11::text[])`;

/**
 * Puts messages just stored back to waiting when one of their sharding key waits, and behind it; returns those. A
 * statement of its own, so that it sees what was committed while the insert waited. The ids are drawn anew: those of the
 * insert may be smaller than that of a message which another transaction stored meanwhile, though it arrived first.
 * $1 group, $2 keys in the order of arrival.
 */
export const lineUpSql = (t: Tables): string => `
WITH drawn AS MATERIALIZED (
  SELECT nextval('${t.inboxSequence.replaceAll("'", "''")}') AS id, m.message_key FROM (
    SELECT * FROM unnest($2::text[]) WITH ORDINALITY AS u(message_key, place) ORDER BY place
  ) AS m
)
UPDATE ${t.inbox} i SET status = 0, processed_at = NULL, id = drawn.id
FROM drawn
WHERE i.consumer_group = $1::text AND i.message_key = drawn.message_key AND EXISTS (
  SELECT FROM ${t.inbox} w
  WHERE w.consumer_group = $1::text AND w.status = 0 AND w.sharding_key = i.sharding_key)
RETURNING i.message_key`;

/**
 * Fails when a statement before it failed and the handler kept quiet about it: a COMMIT would then roll back and still
 * report success.
 */
export const checkSql = 'SELECT 1';

/**
 * Results of single attempts. Status 0 with the error and the next time, or without both for one that only waits for
 * its turn; status 1 or 2 for good.
 * $1 group, $2 keys, $3 statuses, $4 attempts, $5 delays in ms, $6 errors.
 */
export const resultSql = (t: Tables): string => `
UPDATE ${t.inbox} i
SET status = r.status, attempts = r.attempts, last_error = coalesce(r.error, i.last_error),
    next_attempt_at = clock_timestamp() + r.delay_ms * interval '1 millisecond',
    processed_at = CASE WHEN r.status <> 0 THEN clock_timestamp() END
FROM unnest($2::text[], $3::smallint[], $4::int[], $5::float8[], $6::text[])
  AS r(message_key, status, attempts, delay_ms, error)
WHERE i.consumer_group = $1 AND i.message_key = r.message_key`;

/**
 * Sharding keys whose first pending message may be tried now. One step of the partial index a key, however many
 * messages stand behind it. $1 group, $2 most keys.
 */
export const dueKeysSql = (t: Tables): string => {
  const first = (more: string): string => `(
    SELECT i.sharding_key, i.next_attempt_at FROM ${t.inbox} i
    WHERE i.consumer_group = $1 AND i.status = 0 ${more} ORDER BY i.sharding_key, i.id LIMIT 1)`;
  return `
WITH RECURSIVE heads AS (
  ${first('')}
  UNION ALL
  SELECT n.sharding_key, n.next_attempt_at FROM heads h CROSS JOIN LATERAL ${first('AND i.sharding_key > h.sharding_key')} AS n
)
SELECT sharding_key FROM heads WHERE next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp() LIMIT $2`;
};

/** One retry worker per key. $1 group, $2 sharding key, $3 statement time-out. */
export const lockKeySql = (t: Tables): string => `
SELECT pg_try_advisory_xact_lock(hashtext('${t.inbox.replaceAll("'", "''")}' || $1::text), hashtext($2::text)) AS locked,
       set_config('statement_timeout', $3::text, true)`;

export interface PendingRow {
  readonly message_key: string;
  readonly topic: string;
  readonly tag: string | null;
  readonly payload: string;
  readonly headers: string | null;
  readonly message_id: string | null;
  readonly attempts: number;
  readonly due: boolean;
}

/** The pending messages of a key, in order of arrival. $1 group, $2 sharding key, $3 most rows. */
export const pendingOfKeySql = (t: Tables): string => `
SELECT message_key, topic, tag, payload::text AS payload, headers::text AS headers, message_id, attempts,
       next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp() AS due
FROM ${t.inbox} WHERE consumer_group = $1 AND sharding_key = $2 AND status = 0 ORDER BY id LIMIT $3 FOR UPDATE`;
