-- Sharding keys that wait behind a dead message, where relays are told to let them (`onDead: 'hold'`).

ALTER TABLE outbox ADD COLUMN holds_key boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outbox.holds_key IS 'While this row is dead, later messages of its sharding key wait; a replay or a skip ends that';

CREATE INDEX outbox_holding ON outbox (lane, sharding_key) WHERE status = 2 AND holds_key;

COMMENT ON TABLE outbox_lanes IS 'Lanes of the outbox and the relay session that owns each; a relay of a version with another number of lanes refuses to start';
