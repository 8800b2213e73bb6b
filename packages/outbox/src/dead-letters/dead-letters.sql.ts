import { type Tables } from '../schema/tables.ts';
import { type Box, type LetterStatus } from './letter.ts';

const STATUS: Record<LetterStatus, number> = { pending: 0, done: 1, dead: 2 };

/** What the two tables call the same things. `l` is the row. */
const NAMES = {
  outbox: {
    group: 'NULL::text',
    key: 'l.sharding_key',
    created: 'l.created_at',
    done: 'l.sent_at',
    died: 'l.died_at',
    crashes: 'l.crashes',
    queueOffset: 'l.queue_offset::text',
    body: 'NULL::text',
    replayable: 'true',
    holdsKey: `(l.holds_key AND l.status = ${STATUS.dead})`,
  },
  inbox: {
    group: 'l.consumer_group',
    key: '(l.consumer_group, l.sharding_key)',
    created: 'l.received_at',
    done: 'CASE WHEN l.status = 1 THEN l.processed_at END',
    died: 'CASE WHEN l.status = 2 THEN l.processed_at END',
    crashes: '0',
    queueOffset: 'NULL::text',
    body: `encode(l.body, 'hex')`,
    // Without a business key there is nothing to tell its redeliveries from, and handlers would be shown a made-up one.
    replayable: `(l.payload IS NOT NULL AND NOT starts_with(l.message_key, '(no key) '))`,
    holdsKey: 'false',
  },
} as const;

/**
 * Which rows. The status stands in the text, so that the partial indexes of the pending and the dead rows can serve.
 * $1 id, $2 topic, $3 tag, $4 message key, $5 prefix of it, $6 sharding key, $7 part of the error, $8 consumer group,
 * $9 and $10 created from and before, $11 and $12 died from and before; null for any.
 */
const filterSql = (box: Box, status: LetterStatus): string => {
  const { group, created, died } = NAMES[box];
  return `l.status = ${STATUS[status]}
  AND ($1::bigint IS NULL OR l.id = $1) AND ($2::text IS NULL OR l.topic = $2) AND ($3::text IS NULL OR l.tag = $3)
  AND ($4::text IS NULL OR l.message_key = $4) AND ($5::text IS NULL OR starts_with(l.message_key, $5))
  AND ($6::text IS NULL OR l.sharding_key = $6)
  AND ($7::text IS NULL OR strpos(lower(l.last_error), lower($7)) > 0)
  AND ($8::text IS NULL OR ${group} = $8)
  AND ($9::timestamptz IS NULL OR ${created} >= $9) AND ($10::timestamptz IS NULL OR ${created} < $10)
  AND ($11::timestamptz IS NULL OR ${died} >= $11) AND ($12::timestamptz IS NULL OR ${died} < $12)`;
};

const ms = (time: string): string => `(extract(epoch FROM ${time}) * 1000)::float8`;

const columnsSql = (t: Tables, box: Box): string => {
  const n = NAMES[box];
  return `l.id, ${n.group} AS consumer_group, l.topic, l.tag, l.message_key, l.sharding_key, l.status, l.attempts,
  ${n.crashes} AS crashes, l.last_error, l.message_id, ${n.queueOffset} AS queue_offset,
  ${ms(n.created)} AS created_ms, ${ms('l.next_attempt_at')} AS next_attempt_ms, ${ms(n.done)} AS done_ms,
  ${ms(n.died)} AS died_ms, ${n.replayable} AS replayable, ${n.holdsKey} AS holds_key,
  (SELECT count(*) FROM ${t.replays} r WHERE r.box = '${box}' AND r.row_id = l.id)::int AS replays`;
};

export interface LetterRow {
  readonly id: string | number | bigint;
  readonly consumer_group: string | null;
  readonly topic: string;
  readonly tag: string | null;
  readonly message_key: string;
  readonly sharding_key: string;
  readonly status: number;
  readonly attempts: number;
  readonly crashes: number;
  readonly last_error: string | null;
  readonly message_id: string | null;
  readonly queue_offset: string | null;
  readonly created_ms: number;
  readonly next_attempt_ms: number | null;
  readonly done_ms: number | null;
  readonly died_ms: number | null;
  readonly replayable: boolean;
  readonly holds_key: boolean;
  readonly replays: number;
}

/** One page in the order of ids. $13 the id to go on from, exclusive, or null; $14 most rows. */
export const listSql = (t: Tables, box: Box, status: LetterStatus, order: 'newest' | 'oldest'): string => `
SELECT ${columnsSql(t, box)} FROM ${t[box]} l
WHERE ${filterSql(box, status)} AND ($13::bigint IS NULL OR l.id ${order === 'newest' ? '<' : '>'} $13)
ORDER BY l.id ${order === 'newest' ? 'DESC' : ''} LIMIT $14`;

export interface GroupRow {
  readonly consumer_group: string | null;
  readonly topic: string;
  readonly tag: string | null;
  readonly error: string | null;
  readonly messages: number;
  readonly oldest_ms: number;
  readonly newest_ms: number;
  readonly all_messages: number;
  readonly all_groups: number;
}

/** The largest groups of equal consumer group, topic, tag and (the beginning of) error. $13 most groups. */
export const summarySql = (t: Tables, box: Box, status: LetterStatus): string => `
SELECT ${NAMES[box].group} AS consumer_group, l.topic, l.tag, left(l.last_error, 200) AS error,
       count(*)::int AS messages,
       ${ms(`min(${NAMES[box].created})`)} AS oldest_ms, ${ms(`max(${NAMES[box].created})`)} AS newest_ms,
       (sum(count(*)) OVER ())::int AS all_messages, (count(*) OVER ())::int AS all_groups
FROM ${t[box]} l WHERE ${filterSql(box, status)}
GROUP BY 1, 2, 3, 4 ORDER BY messages DESC, 1, 2, 3, 4 LIMIT $13`;

export interface DetailsRow extends LetterRow {
  readonly payload: string | null;
  readonly body: string | null;
  readonly headers: string | null;
}

const detailsSql = (t: Tables, box: Box, where: string): string => `
SELECT ${columnsSql(t, box)}, l.payload::text AS payload, ${NAMES[box].body} AS body, l.headers::text AS headers
FROM ${t[box]} l WHERE ${where}`;

/** By the key of each table. The outbox: $1 id. The inbox: $1 consumer group, $2 message key. */
export const findSql = (t: Tables, box: Box): string =>
  detailsSql(t, box, box === 'outbox' ? 'l.id = $1' : 'l.consumer_group = $1 AND l.message_key = $2');

export interface PastLifeRow {
  readonly died_ms: number | null;
  readonly attempts: number;
  readonly crashes: number;
  readonly last_error: string | null;
  readonly replayed_ms: number;
  readonly replayed_by: string;
}

/** $1 box, $2 id. */
export const pastLivesSql = (t: Tables): string => `
SELECT ${ms('died_at')} AS died_ms, attempts, crashes, last_error, ${ms('replayed_at')} AS replayed_ms, replayed_by
FROM ${t.replays} WHERE box = $1 AND row_id = $2 ORDER BY id`;

export interface CountRow {
  /** In ISO form, to the microsecond. */
  readonly now: string;
  readonly messages: number;
  readonly unreadable: number;
  readonly keys: number;
}

/** $13 the id to begin after, or null; $14 the time after which deaths do not count, or null. */
export const countSql = (t: Tables, box: Box): string => `
SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS now,
       count(*) FILTER (WHERE ${NAMES[box].replayable})::int AS messages,
       count(*) FILTER (WHERE NOT ${NAMES[box].replayable})::int AS unreadable,
       count(DISTINCT ${NAMES[box].key}) FILTER (WHERE ${NAMES[box].replayable})::int AS keys
FROM ${t[box]} l WHERE ${filterSql(box, 'dead')} AND ($13::bigint IS NULL OR l.id > $13)
  AND ($14::timestamptz IS NULL OR ${NAMES[box].died} IS NULL OR ${NAMES[box].died} <= $14)`;

/**
 * Messages that were sent or applied though a dead one of their sharding key stands before them. Reads the table from
 * the oldest of the dead ones on: for a look before a replay. $13 the id to begin after, or null.
 */
export const overtakersSql = (t: Tables, box: Box): string => `
WITH firsts AS MATERIALIZED (
  SELECT ${NAMES[box].group} AS consumer_group, l.sharding_key, min(l.id) AS id FROM ${t[box]} l
  WHERE ${filterSql(box, 'dead')} AND ($13::bigint IS NULL OR l.id > $13) AND ${NAMES[box].replayable}
  GROUP BY 1, 2
)
SELECT count(*)::int AS messages FROM firsts f JOIN ${t[box]} l
  ON l.sharding_key = f.sharding_key AND l.id > f.id ${box === 'inbox' ? 'AND l.consumer_group = f.consumer_group' : ''}
WHERE l.status = 1 AND l.id > (SELECT min(id) FROM firsts)`;

export interface SkipPlanRow {
  readonly messages: number;
  readonly keys: number;
  readonly waiting: number;
  readonly first: readonly (string | number | bigint)[] | null;
}

/** What a skip lets go. Looks at the keys that dead messages hold and at what is pending, not at the table. */
export const skipPlanSql = (t: Tables): string => `
WITH held AS MATERIALIZED (
  SELECT l.id, l.sharding_key FROM ${t.outbox} l WHERE ${filterSql('outbox', 'dead')} AND l.holds_key
)
SELECT (SELECT count(*)::int FROM held) AS messages, (SELECT count(DISTINCT sharding_key)::int FROM held) AS keys,
       (SELECT count(*)::int FROM ${t.outbox} l
         WHERE l.status = 0 AND l.sharding_key IN (SELECT sharding_key FROM held)) AS waiting,
       (SELECT array_agg(id) FROM (SELECT id FROM held ORDER BY id LIMIT $13) AS named) AS first`;

/** $13 by whom. */
export const skipSql = (t: Tables): string => `
UPDATE ${t.outbox} l SET holds_key = false, last_error = concat_ws('; ', l.last_error, 'skipped by ' || $13::text)
WHERE ${filterSql('outbox', 'dead')} AND l.holds_key RETURNING l.id`;

export interface ReplayedRow {
  readonly messages: number;
  readonly last_id: string | number | bigint | null;
}

/**
 * The next dead rows in the order of ids, made pending again with a fresh budget of attempts; what they had come to goes
 * into the history. FOR UPDATE waits for another replay instead of going around it, and then takes what is still dead:
 * each row is replayed once, and a key's rows come back in their order. A row that died after the replay began is left,
 * or a message that fails at once would be replayed again.
 * $13 the id to go on from, exclusive, or null; $14 most rows; $15 when the replay began; $16 by whom.
 */
const pickedSql = (t: Tables, box: Box): string => `picked AS MATERIALIZED (
  SELECT l.id, l.attempts, ${NAMES[box].crashes} AS crashes, ${NAMES[box].died} AS died_at, l.last_error FROM ${t[box]} l
  WHERE ${filterSql(box, 'dead')} AND ($13::bigint IS NULL OR l.id > $13) AND ${NAMES[box].replayable}
    AND (${NAMES[box].died} IS NULL OR ${NAMES[box].died} <= $15::timestamptz)
  ORDER BY l.id LIMIT $14 FOR UPDATE
), noted AS (
  INSERT INTO ${t.replays} (box, row_id, replayed_by, attempts, crashes, died_at, last_error)
  SELECT '${box}', id, $16::text, attempts, crashes, died_at, last_error FROM picked ORDER BY id
)`;

/**
 * One that was set aside because processes died keeps a crash: it is sent alone. The lanes' floors go down, always by
 * something, which the owners see at their next renewal; in ascending order, as all who lock lanes do.
 */
const replayOutboxSql = (t: Tables): string => `
WITH ${pickedSql(t, 'outbox')}, replayed AS (
  UPDATE ${t.outbox} o
  SET status = 0, attempts = 0, crashes = least(o.crashes, 1), next_attempt_at = NULL, died_at = NULL, last_error = NULL
  FROM picked WHERE o.id = picked.id RETURNING o.id, o.lane
), held AS MATERIALIZED (
  SELECT l.lane, f.id FROM ${t.lanes} l
  JOIN (SELECT lane, min(id) AS id FROM replayed GROUP BY lane) AS f ON f.lane = l.lane
  ORDER BY l.lane FOR UPDATE OF l
), reopened AS (
  UPDATE ${t.lanes} l SET floor = least(l.floor, held.id) - 1 FROM held WHERE l.lane = held.lane
)
SELECT count(*)::int AS messages, max(id) AS last_id FROM replayed`;

/** The retry workers look at what is pending by key and order of arrival, and need no hint. */
const replayInboxSql = (t: Tables): string => `
WITH ${pickedSql(t, 'inbox')}, replayed AS (
  UPDATE ${t.inbox} i
  SET status = 0, attempts = 0, next_attempt_at = NULL, processed_at = NULL, last_error = NULL
  FROM picked WHERE i.id = picked.id AND i.status = 2 RETURNING i.id
)
SELECT count(*)::int AS messages, max(id) AS last_id FROM replayed`;

export const replaySql = (t: Tables, box: Box): string =>
  box === 'outbox' ? replayOutboxSql(t) : replayInboxSql(t);
