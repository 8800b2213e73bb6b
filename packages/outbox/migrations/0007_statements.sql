-- The statements that every batch pays for, as functions: PostgreSQL parses and plans their texts once a connection
-- instead of at each run, which was more than half of their time, whatever client sends them. A plan is kept from the
-- first runs, which may see empty tables: hence nothing but a walk of an index is allowed, right at any size. A function
-- that changes gets a new name, for instances of the version before go on calling the old one.

-- See claimSql in src/relay/relay.sql.ts.
CREATE FUNCTION outbox_claim(lanes smallint[], positions bigint[], most_rows integer, most_bytes bigint, waiting text[])
RETURNS TABLE (
  id bigint, lane smallint, topic text, tag text, message_key text, sharding_key text, payload text, headers text,
  attempts integer, crashes smallint, walked_bytes bigint, wait_ms float8, age_ms float8
) LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT r.id, r.lane, r.topic, r.tag, r.message_key, r.sharding_key, r.payload::text, r.headers::text,
         r.attempts, r.crashes, r.walked_bytes,
         (extract(epoch FROM r.next_attempt_at - clock_timestamp()) * 1000)::float8,
         CASE WHEN r.walked_bytes = r.size_bytes
           THEN (extract(epoch FROM clock_timestamp() - r.created_at) * 1000)::float8 END
  FROM unnest($1, $2) AS want(lane, after_id)
  CROSS JOIN LATERAL (
    SELECT o.*, pg_column_size(o.payload) AS size_bytes,
           sum(pg_column_size(o.payload)) OVER (ORDER BY o.id ROWS UNBOUNDED PRECEDING) AS walked_bytes
    FROM outbox o
    WHERE o.status = 0 AND o.lane = want.lane AND o.id > want.after_id AND o.sharding_key <> ALL ($5)
    ORDER BY o.id
    LIMIT $3
  ) AS r
  WHERE r.walked_bytes - r.size_bytes < $4;
END $$;

-- See beginSql.
CREATE FUNCTION outbox_begin(lanes smallint[], epochs bigint[], session text, ids bigint[])
RETURNS TABLE (lane smallint, flight bigint) LANGUAGE plpgsql
SET search_path FROM CURRENT SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  RETURN QUERY
  WITH noted AS (INSERT INTO outbox_flights (session_id, ids) VALUES ($3, $4) RETURNING id)
  SELECT l.lane, noted.id FROM noted
  LEFT JOIN (outbox_lanes l JOIN unnest($1, $2) AS w(lane, epoch) ON w.lane = l.lane AND w.epoch = l.epoch) ON true;
END $$;

-- See markSentSql. Returns how many rows it marked.
CREATE FUNCTION outbox_mark_sent(
  lanes smallint[], epochs bigint[], flight bigint, ids bigint[], message_ids text[], queue_offsets bigint[]
) RETURNS integer LANGUAGE plpgsql
SET search_path FROM CURRENT SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
  owned smallint[];
  marked integer;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  DELETE FROM outbox_flights f WHERE f.id = $3;
  owned := ARRAY(
    SELECT l.lane FROM outbox_lanes l JOIN unnest($1, $2) AS w(lane, epoch) ON w.lane = l.lane AND w.epoch = l.epoch
    ORDER BY l.lane FOR SHARE OF l);
  UPDATE outbox o
  SET status = 1, sent_at = now(), attempts = o.attempts + 1, message_id = m.message_id, queue_offset = m.queue_offset,
      sharding_key = o.sharding_key
  FROM unnest($4, $5, $6) AS m(id, message_id, queue_offset)
  -- The ids twice, and no equality of the status: the rows are then read by the primary key, and by nothing else.
  WHERE o.id = ANY ($4) AND o.id = m.id AND o.status < 1 AND o.lane = ANY (owned);
  GET DIAGNOSTICS marked = ROW_COUNT;
  RETURN marked;
END $$;

-- See insertSql in src/inbox/inbox.sql.ts.
CREATE FUNCTION inbox_insert(
  consumer_group text, message_keys text[], topics text[], tags text[], sharding_keys text[], payloads text[],
  bodies text[], headers text[], message_ids text[], statement_timeout text, errors text[]
) RETURNS TABLE (message_key text, status smallint) LANGUAGE plpgsql
SET search_path FROM CURRENT SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('statement_timeout', $10, true);
  RETURN QUERY
  WITH incoming AS MATERIALIZED (
    SELECT nextval('inbox_id_seq') AS id, m.* FROM (
      SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $11)
        WITH ORDINALITY AS u(message_key, topic, tag, sharding_key, payload, body, headers, message_id, error, place)
      ORDER BY place
    ) AS m
  ), waiting AS MATERIALIZED (
    SELECT DISTINCT i.sharding_key FROM inbox i
    WHERE i.consumer_group = $1 AND i.status = 0 AND i.sharding_key = ANY ($5)
  )
  INSERT INTO inbox (id, consumer_group, message_key, topic, tag, sharding_key, payload, body, headers, message_id,
                     status, last_error, processed_at)
  SELECT m.id, $1, m.message_key, m.topic, m.tag, m.sharding_key, m.payload::json, decode(m.body, 'hex'),
         m.headers::json, m.message_id, s.status, m.error, CASE WHEN s.status <> 0 THEN clock_timestamp() END
  FROM incoming m LEFT JOIN waiting w ON w.sharding_key = m.sharding_key
  CROSS JOIN LATERAL (
    SELECT CASE WHEN m.error IS NOT NULL THEN 2 WHEN w.sharding_key IS NULL THEN 1 ELSE 0 END AS status
  ) AS s
  ORDER BY m.message_key, m.place
  ON CONFLICT (consumer_group, message_key) DO NOTHING
  RETURNING message_key, status;
END $$;
