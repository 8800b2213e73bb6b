-- What the inbox builds. Nothing but the handlers of inbox messages writes here.

CREATE TABLE player_statement (
  entry_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_key      text    NOT NULL UNIQUE,
  platform_id      integer NOT NULL,
  platform_user_id text    NOT NULL,
  player_id        bigint  NOT NULL,
  round_id         text    NOT NULL,
  bill_no          text    NOT NULL,
  revision         integer NOT NULL,
  event            text    NOT NULL CHECK (event IN ('bet_placed', 'order_settled')),
  play_type        text    NOT NULL,
  amount_minor     bigint  NOT NULL,
  currency         text    NOT NULL,
  applied_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX player_statement_by_player ON player_statement (platform_id, platform_user_id, entry_id);
COMMENT ON TABLE player_statement IS 'What a player sees of each bet, in order: the stake below zero, then the return (0.00 of a lost bet too). A message applied twice adds nothing.';

CREATE TABLE round_report (
  round_id       text PRIMARY KEY,
  game_id        text    NOT NULL,
  room_id        text    NOT NULL,
  orders         integer NOT NULL DEFAULT 0,
  settled        integer NOT NULL DEFAULT 0,
  stake_minor    bigint  NOT NULL DEFAULT 0,
  payout_minor   bigint  NOT NULL DEFAULT 0,
  refund_minor   bigint  NOT NULL DEFAULT 0,
  house_net_minor bigint GENERATED ALWAYS AS (stake_minor - payout_minor - refund_minor) STORED,
  revision       integer NOT NULL DEFAULT 0,
  card_list      text,
  result         text,
  rounding_minor numeric(20, 6),
  started_at     timestamptz,
  ended          boolean NOT NULL DEFAULT false,
  updated_at     timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
COMMENT ON TABLE round_report IS 'What a round took and gave, counted from its messages, in whatever order they come. The house has won or lost house_net_minor for good when settled = orders and revision > 0.';
COMMENT ON COLUMN round_report.revision IS 'Revision of card_list and result; 0 until they came';
