-- Done rows are dropped after an age: who does it, and how far it has come.

-- The outbox is walked by its primary key, which is the order of age. The key of the inbox is not, and its id had no
-- index yet. It only ever grows at its right end: a batch of 256 messages took the same time with and without it, and
-- 4 percent more WAL.
CREATE INDEX inbox_id ON inbox (id);

CREATE TABLE outbox_retention (
  box            text PRIMARY KEY CHECK (box IN ('outbox', 'inbox')),
  owner          text,
  expires_at     timestamptz,
  dropped_before timestamptz
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
INSERT INTO outbox_retention (box) VALUES ('outbox'), ('inbox');

COMMENT ON TABLE  outbox_retention IS 'Dropping of done rows, one line a table: done by one process at a time';
COMMENT ON COLUMN outbox_retention.owner IS 'The process that does it, until expires_at';
COMMENT ON COLUMN outbox_retention.dropped_before IS 'Rows created (outbox) or received (inbox) before this time may be gone; empty while none was dropped';
