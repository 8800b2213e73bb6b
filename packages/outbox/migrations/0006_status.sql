-- What operators look at must be cheap with a million rows waiting.

-- Rows that wait for another attempt. A message that goes the usual way never enters it.
CREATE INDEX outbox_retrying ON outbox (id) WHERE status = 0 AND next_attempt_at IS NOT NULL;

ALTER TABLE outbox_relays ADD COLUMN sent_last_minute bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN outbox_relays.sent_last_minute IS 'Messages this relay has sent in the last minute, as of its last renewal';
