-- The inbox: one row a received message and consumer group, committed together with the effect of the message.
CREATE SEQUENCE inbox_id_seq AS bigint;

CREATE TABLE inbox (
  id              bigint      NOT NULL DEFAULT nextval('inbox_id_seq'),
  consumer_group  text        NOT NULL,
  message_key     text        NOT NULL,
  topic           text        NOT NULL,
  tag             text,
  sharding_key    text        NOT NULL,
  payload         json,
  body            bytea,
  headers         json,
  message_id      text,
  status          smallint    NOT NULL DEFAULT 0 CHECK (status IN (0, 1, 2)),
  attempts        integer     NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  last_error      text,
  received_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  processed_at    timestamptz,
  PRIMARY KEY (consumer_group, message_key)
);
ALTER SEQUENCE inbox_id_seq OWNED BY inbox.id;

-- Only what waits for a retry is in here: almost always empty.
CREATE INDEX inbox_pending ON inbox (consumer_group, sharding_key, id) WHERE status = 0;

ALTER TABLE inbox SET (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.1
);

COMMENT ON TABLE  inbox IS 'Messages received: inserted in the transaction that applies their effect, so each is applied once';
COMMENT ON COLUMN inbox.id IS 'Order of arrival';
COMMENT ON COLUMN inbox.status IS '0 pending (its handler failed and is tried again, or it waits behind such a message of its sharding key), 1 done (applied), 2 dead (unreadable, or failed too often, see last_error)';
COMMENT ON COLUMN inbox.message_key IS 'Business key of the sender, unique within a consumer group';
COMMENT ON COLUMN inbox.body IS 'The bytes as they came, kept only when they could not be read as JSON';
COMMENT ON COLUMN inbox.next_attempt_at IS 'Not before this time';
