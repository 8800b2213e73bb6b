import { LANE_COUNT, type Tables } from '../schema/tables.ts';

const live = (t: Tables): string => `SELECT session_id FROM ${t.relays} WHERE expires_at > clock_timestamp()`;

export interface LaneView {
  readonly lane: number;
  readonly epoch: string | number | bigint;
  readonly floor: string | number | bigint;
  readonly mine: boolean;
  readonly free: boolean;
  readonly live_count: number;
  readonly live_before: number;
}

/**
 * Renews the session and shows all lanes. `live_before` is the session's rank among the live ones, by which the lanes
 * that do not divide evenly are given out. Among another number of lanes than ours nothing is renewed: sharding keys
 * would be in other lanes than we think.
 * $1 session, $2 instance, $3 lease in ms, $4 messages sent in the last minute.
 */
export const renewSql = (t: Tables): string => `
WITH me AS (
  INSERT INTO ${t.relays} (session_id, instance_id, expires_at, sent_last_minute)
  SELECT $1::text, $2::text, clock_timestamp() + $3::float8 * interval '1 millisecond', $4::bigint
  WHERE (SELECT count(*) FROM ${t.lanes}) = ${LANE_COUNT}
  ON CONFLICT (session_id) DO UPDATE
  SET expires_at = excluded.expires_at, sent_last_minute = excluded.sent_last_minute
), live AS MATERIALIZED (${live(t)} UNION SELECT $1::text)
SELECT l.lane, l.epoch, l.floor, coalesce(l.owner = $1::text, false) AS mine,
       (l.owner IS NULL OR l.owner NOT IN (SELECT session_id FROM live)) AS free,
       (SELECT count(*) FROM live)::int AS live_count,
       (SELECT count(*) FROM live WHERE session_id < $1::text)::int AS live_before
FROM ${t.lanes} l ORDER BY l.lane`;

export interface AcquiredLane {
  readonly lane: number;
  readonly epoch: string | number | bigint;
  readonly floor: string | number | bigint;
}

/**
 * Takes free lanes at the epochs at which they were seen free. Rows that were in the hands of an owner who died and are
 * still pending get the attempt counted here; one that saw too many deaths is set aside.
 * $1 session, $2 lanes, $3 epochs, $4 most crashes of a row.
 */
export const acquireSql = (t: Tables, holdsKeys: boolean): string => `
WITH free AS MATERIALIZED (
  SELECT l.lane, l.owner FROM ${t.lanes} l
  JOIN unnest($2::smallint[], $3::bigint[]) AS w(lane, epoch) ON w.lane = l.lane AND w.epoch = l.epoch
  WHERE l.owner IS NULL OR l.owner NOT IN (${live(t)})
  ORDER BY l.lane FOR UPDATE OF l SKIP LOCKED
), suspects AS (
  UPDATE ${t.outbox} o
  SET crashes = o.crashes + 1, attempts = o.attempts + 1,
      status = CASE WHEN o.crashes + 1 >= $4::int THEN 2 ELSE 0 END,
      died_at = CASE WHEN o.crashes + 1 >= $4::int THEN clock_timestamp() END,
      holds_key = ${holdsKeys ? 'o.crashes + 1 >= $4::int' : 'false'},
      last_error = 'the sending process died during ' || (o.crashes + 1) || ' attempt(s)'
  FROM (
    SELECT DISTINCT unnest(ids) AS id FROM ${t.flights} WHERE session_id IN (SELECT owner FROM free)
  ) AS f
  WHERE o.id = f.id AND o.status = 0 AND o.lane IN (SELECT lane FROM free)
)
UPDATE ${t.lanes} l SET owner = $1, epoch = l.epoch + 1, acquired_at = clock_timestamp()
FROM free WHERE l.lane = free.lane RETURNING l.lane, l.epoch, l.floor`;

export interface HeldKey {
  readonly lane: number;
  readonly sharding_key: string;
  readonly id: string | number | bigint;
}

/** Sharding keys that wait behind a dead row, with the first such row. $1 lanes. */
export const heldKeysSql = (t: Tables): string => `
SELECT lane, sharding_key, min(id) AS id FROM ${t.outbox}
WHERE status = 2 AND holds_key AND lane = ANY ($1::smallint[]) GROUP BY lane, sharding_key`;

/**
 * Gives lanes back. Nothing of them may be in flight. A floor that somebody lowered meanwhile stays low: rows behind the
 * position came back, and the next owner is to find them.
 * $1 lanes, $2 epochs, $3 floors, $4 floors as last known.
 */
export const releaseSql = (t: Tables): string => `
UPDATE ${t.lanes} l SET owner = NULL, epoch = l.epoch + 1, floor = held.floor
FROM (
  SELECT l.lane, CASE WHEN l.floor < w.known THEN l.floor ELSE w.floor END AS floor FROM ${t.lanes} l
  JOIN unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS w(lane, epoch, floor, known)
    ON w.lane = l.lane AND w.epoch = l.epoch
  ORDER BY l.lane FOR UPDATE OF l
) AS held WHERE l.lane = held.lane RETURNING l.lane`;

/**
 * Stores how far each lane has been worked off, for the next owner; not where somebody lowered the floor meanwhile.
 * $1 lanes, $2 epochs, $3 floors, $4 floors as last known.
 */
export const floorsSql = (t: Tables): string => `
UPDATE ${t.lanes} l SET floor = held.floor
FROM (
  SELECT l.lane, w.floor FROM ${t.lanes} l
  JOIN unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS w(lane, epoch, floor, known)
    ON w.lane = l.lane AND w.epoch = l.epoch AND w.known = l.floor
  ORDER BY l.lane FOR UPDATE OF l
) AS held WHERE l.lane = held.lane RETURNING l.lane`;

/** $1 session. Notes of sessions that own no lane any more, and sessions long gone, are swept along. */
export const leaveSql = (t: Tables): string => `
WITH flights AS (
  DELETE FROM ${t.flights} f
  WHERE f.session_id = $1 OR NOT EXISTS (SELECT FROM ${t.lanes} l WHERE l.owner = f.session_id)
    AND NOT EXISTS (SELECT FROM ${t.relays} r WHERE r.session_id = f.session_id AND r.expires_at > clock_timestamp())
)
DELETE FROM ${t.relays} WHERE session_id = $1 OR expires_at < clock_timestamp() - interval '1 hour'`;
