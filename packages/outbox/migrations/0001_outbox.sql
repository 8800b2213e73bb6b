-- The outbox: rows written inside business transactions, carried to a broker by the relay.

-- CACHE 1 matters: the relay seals ranges of ids by this sequence's last value, which holds only while no session
-- keeps ids in reserve.
CREATE SEQUENCE outbox_id_seq AS bigint CACHE 1;

CREATE TABLE outbox (
  id              bigint      PRIMARY KEY DEFAULT nextval('outbox_id_seq'),
  topic           text        NOT NULL,
  tag             text,
  message_key     text        NOT NULL,
  sharding_key    text        NOT NULL,
  payload         json        NOT NULL,
  headers         json,
  status          smallint    NOT NULL DEFAULT 0 CHECK (status IN (0, 1, 2)),
  attempts        integer     NOT NULL DEFAULT 0,
  crashes         smallint    NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  last_error      text,
  message_id      text,
  queue_offset    bigint,
  created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  sent_at         timestamptz,
  -- hashtextextended is what hash partitioning of text stands on, so it keeps its values over major versions.
  lane            smallint    NOT NULL GENERATED ALWAYS AS ((hashtextextended(sharding_key, 0) & 63)::smallint) STORED
);
ALTER SEQUENCE outbox_id_seq OWNED BY outbox.id;

-- The only secondary index, over pending rows alone: a sent row leaves it, and marking it sent adds no entry to it.
CREATE INDEX outbox_pending ON outbox (lane, id) WHERE status = 0;

-- Marking changes the predicate of the index, so it can never be a HOT update and room left in the pages would be
-- wasted: pages are filled. Vacuum comes by count of dead rows, not by share of the table, and is not slowed down.
ALTER TABLE outbox SET (
  fillfactor = 100,
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.1, autovacuum_analyze_threshold = 10000
);

COMMENT ON TABLE  outbox IS 'Messages to be sent: written in the transaction of the business change, sent by a relay';
COMMENT ON COLUMN outbox.status IS '0 pending (waits to be sent), 1 done (the broker has stored it), 2 dead (refused for good, see last_error)';
COMMENT ON COLUMN outbox.message_key IS 'Business key; the receiving inbox dedupes on it';
COMMENT ON COLUMN outbox.sharding_key IS 'Messages of one sharding key are sent in the order of their id';
COMMENT ON COLUMN outbox.attempts IS 'Attempts to send whose result is known, and attempts that ended with the death of the process';
COMMENT ON COLUMN outbox.crashes IS 'Attempts during which the sending process died';
COMMENT ON COLUMN outbox.next_attempt_at IS 'Not before this time; set after a failed attempt, the rest of the sharding key waits behind it';
COMMENT ON COLUMN outbox.message_id IS 'Id given by the broker';
COMMENT ON COLUMN outbox.queue_offset IS 'Position in the broker''s queue, where the broker tells one';
COMMENT ON COLUMN outbox.lane IS 'Part of the key space that one relay at a time sends; computed from sharding_key';

CREATE TABLE outbox_lanes (
  lane        smallint PRIMARY KEY,
  owner       text,
  epoch       bigint   NOT NULL DEFAULT 0,
  -- Every pending row of the lane has a greater id; only a help for speed, scanned past from time to time.
  floor       bigint   NOT NULL DEFAULT 0,
  acquired_at timestamptz
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
INSERT INTO outbox_lanes (lane) SELECT generate_series(0, 63);

COMMENT ON TABLE  outbox_lanes IS 'Lanes of the outbox and the relay session that owns each';
COMMENT ON COLUMN outbox_lanes.owner IS 'session_id in outbox_relays; the lane is free when that session is gone or expired';
COMMENT ON COLUMN outbox_lanes.epoch IS 'Grows with every change of owner; a statement that carries an older one changes nothing';

CREATE TABLE outbox_relays (
  session_id  text PRIMARY KEY,
  instance_id text NOT NULL,
  started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at  timestamptz NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

COMMENT ON TABLE outbox_relays IS 'Running relays; a session past expires_at has lost its lanes';

-- Written and deleted once a batch, and read only after a crash: by its key, so that the dead rows, which an old
-- snapshot may keep, are in nobody's way.
CREATE TABLE outbox_flights (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id text     NOT NULL,
  ids        bigint[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

COMMENT ON TABLE outbox_flights IS 'Rows in the hands of a publisher; those still pending when the relay dies have an attempt more';
