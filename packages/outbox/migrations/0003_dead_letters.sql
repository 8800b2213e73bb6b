-- Dead rows wait for an operator: when each died, a quick way to them, and what became of the lives before.

ALTER TABLE outbox ADD COLUMN died_at timestamptz;
COMMENT ON COLUMN outbox.died_at IS 'When the row became dead; empty again once it is replayed';
COMMENT ON COLUMN inbox.processed_at IS 'When the row was applied or became dead';

CREATE INDEX outbox_dead ON outbox (id) WHERE status = 2;
CREATE INDEX inbox_dead ON inbox (id) WHERE status = 2;

-- Written by a replay alone: a message that goes the usual way leaves no trace here.
CREATE TABLE outbox_replays (
  id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  box         text        NOT NULL CHECK (box IN ('outbox', 'inbox')),
  row_id      bigint      NOT NULL,
  replayed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  replayed_by text        NOT NULL,
  attempts    integer     NOT NULL,
  crashes     smallint    NOT NULL,
  died_at     timestamptz,
  last_error  text
);
CREATE INDEX outbox_replays_of_row ON outbox_replays (box, row_id);

COMMENT ON TABLE  outbox_replays IS 'Replays of dead rows of outbox and inbox, each with the life it ended: how the row had died before';
COMMENT ON COLUMN outbox_replays.box IS 'Table of the row: outbox or inbox';
COMMENT ON COLUMN outbox_replays.row_id IS 'id of the row in that table';
COMMENT ON COLUMN outbox_replays.replayed_by IS 'Who asked for it';
COMMENT ON COLUMN outbox_replays.attempts IS 'Attempts until the row died; it began again with none';
COMMENT ON COLUMN outbox_replays.crashes IS 'Attempts among them during which the sending process died';
COMMENT ON COLUMN outbox_replays.died_at IS 'When the row had died';
COMMENT ON COLUMN outbox_replays.last_error IS 'Why the row had died';
