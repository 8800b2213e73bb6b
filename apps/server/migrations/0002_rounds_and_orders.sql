-- Rounds, orders, settlements, audit.

CREATE TABLE rounds (
  round_id         text PRIMARY KEY CHECK (octet_length(round_id) BETWEEN 1 AND 64),
  game_id          text NOT NULL,
  room_id          text NOT NULL,
  state            text NOT NULL CHECK (state IN ('betting', 'sealed', 'dealing', 'drawn', 'settled', 'ended', 'voided')),
  bet_start_at     timestamptz NOT NULL,
  deadline_at      timestamptz NOT NULL,
  bet_stop_at      timestamptz NOT NULL,
  sealed_by        text CHECK (sealed_by IN ('deadline', 'dealer')),
  betting_seconds  integer NOT NULL CHECK (betting_seconds > 0),
  paytable         text    NOT NULL,
  paytable_version integer NOT NULL,
  min_bet_minor             bigint NOT NULL CHECK (min_bet_minor > 0),
  max_bet_minor             bigint NOT NULL,
  max_player_round_minor    bigint NOT NULL,
  max_round_liability_minor bigint NOT NULL,
  escrow_account   bigint NOT NULL REFERENCES accounts,
  revision         integer NOT NULL DEFAULT 1 CHECK (revision >= 1),
  card_list        text,
  game_result      smallint NOT NULL DEFAULT 0 CHECK (game_result BETWEEN 0 AND 3),
  drawn_at         timestamptz,
  trace_id         text NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (bet_start_at <= bet_stop_at AND bet_stop_at <= deadline_at),
  CHECK (state NOT IN ('settled', 'ended') OR (game_result > 0 AND card_list IS NOT NULL AND drawn_at IS NOT NULL)),
  CHECK (state <> 'betting' OR sealed_by IS NULL)
);
CREATE UNIQUE INDEX rounds_one_open_per_room ON rounds (room_id) WHERE state NOT IN ('ended', 'voided');
CREATE INDEX rounds_due ON rounds (deadline_at) WHERE state = 'betting';
COMMENT ON TABLE rounds IS 'One row a round. Its row lock orders bets, seal and settlement. Rules (paytable, limits) are frozen when the round starts.';
COMMENT ON COLUMN rounds.deadline_at IS 'When betting ends by itself: bet_start_at + betting_seconds, never moved';
COMMENT ON COLUMN rounds.bet_stop_at IS 'When betting ended or will end: the deadline, or earlier by the dealer';
COMMENT ON COLUMN rounds.game_result IS '0 none yet, 1 dragon, 2 tiger, 3 tie';

CREATE FUNCTION check_round_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state, NEW.state) IN (
       ('betting', 'sealed'), ('sealed', 'dealing'), ('dealing', 'drawn'), ('drawn', 'settled'), ('settled', 'ended'))
     OR (NEW.state = 'voided' AND OLD.state NOT IN ('ended', 'voided')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'round %: % -> % is not a transition of a round', OLD.round_id, OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER listed_transitions BEFORE UPDATE OF state ON rounds
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION check_round_transition();
CREATE TRIGGER frozen_rules BEFORE UPDATE OF round_id, game_id, room_id, bet_start_at, deadline_at, betting_seconds,
    paytable, paytable_version, min_bet_minor, max_bet_minor, max_player_round_minor, max_round_liability_minor,
    escrow_account ON rounds
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON rounds
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE orders (
  order_id            bigint   GENERATED ALWAYS AS IDENTITY,
  bill_no             text     NOT NULL CHECK (length(bill_no) = 23),
  round_id            text     NOT NULL REFERENCES rounds,
  player_id           bigint   NOT NULL REFERENCES players,
  play_type           smallint NOT NULL,
  stake_minor         bigint   NOT NULL CHECK (stake_minor > 0),
  currency            text     NOT NULL,
  paytable            text     NOT NULL,
  paytable_version    integer  NOT NULL,
  odds                text     NOT NULL,
  idempotency_key     text     NOT NULL CHECK (octet_length(idempotency_key) BETWEEN 1 AND 64),
  balance_after_minor bigint   NOT NULL CHECK (balance_after_minor >= 0),
  bet_status          smallint NOT NULL DEFAULT 2 CHECK (bet_status = 2),
  bill_status         smallint NOT NULL DEFAULT 1 CHECK (bill_status IN (1, 2, 3)),
  game_result         smallint NOT NULL DEFAULT 0 CHECK (game_result BETWEEN 0 AND 3),
  payout_minor        bigint   NOT NULL DEFAULT 0 CHECK (payout_minor >= 0),
  revision            integer  NOT NULL DEFAULT 1 CHECK (revision >= 1),
  trace_id            text     NOT NULL,
  bet_at              timestamptz NOT NULL,
  updated_at          timestamptz NOT NULL,
  PRIMARY KEY (round_id, player_id, order_id),
  CONSTRAINT orders_bill_no_key UNIQUE (bill_no),
  CONSTRAINT orders_idempotency_key UNIQUE (player_id, idempotency_key),
  CHECK (CASE bill_status WHEN 1 THEN game_result = 0 AND payout_minor = 0 WHEN 2 THEN game_result > 0 ELSE true END)
) WITH (fillfactor = 60); -- room for the settled version of each row on its own page
CREATE INDEX orders_by_player ON orders (player_id, order_id DESC);
COMMENT ON TABLE orders IS 'Accepted bets; a refused one leaves nothing. The order keeps the request that made it (idempotency_key and fields) and its first answer (bill_no, balance_after_minor, trace_id, bet_at).';
COMMENT ON COLUMN orders.bill_status IS '1 open, 2 settled, 3 cancelled';
COMMENT ON COLUMN orders.payout_minor IS 'Gross return of the effective revision, the stake included';
COMMENT ON COLUMN orders.odds IS 'What a win pays on top of the stake per 1 of stake, frozen at the bet';

CREATE TRIGGER frozen_bet BEFORE UPDATE OF order_id, bill_no, round_id, player_id, play_type, stake_minor, currency,
    paytable, paytable_version, odds, idempotency_key, balance_after_minor, trace_id, bet_at ON orders
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON orders
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE round_totals (
  round_id    text     NOT NULL REFERENCES rounds,
  play_type   smallint NOT NULL,
  orders      integer  NOT NULL CHECK (orders > 0),
  stake_minor bigint   NOT NULL CHECK (stake_minor > 0),
  PRIMARY KEY (round_id, play_type)
) WITH (fillfactor = 50);
COMMENT ON TABLE round_totals IS 'What is staked on each bet of a round: the liability limit is judged on it. Written once per batch of bets, under the lock of the round.';

CREATE TABLE settlements (
  round_id           text     NOT NULL REFERENCES rounds,
  revision           integer  NOT NULL CHECK (revision >= 1),
  card_list          text     NOT NULL,
  game_result        smallint NOT NULL CHECK (game_result BETWEEN 1 AND 3),
  total_orders       integer  NOT NULL CHECK (total_orders >= 0),
  total_stake_minor  bigint   NOT NULL CHECK (total_stake_minor >= 0),
  total_payout_minor bigint   NOT NULL CHECK (total_payout_minor >= 0),
  total_refund_minor bigint   NOT NULL DEFAULT 0 CHECK (total_refund_minor >= 0),
  house_net_minor    bigint   NOT NULL,
  rounding_minor     numeric(20, 6) NOT NULL,
  actor              text     NOT NULL,
  trace_id           text     NOT NULL,
  settled_at         timestamptz NOT NULL,
  PRIMARY KEY (round_id, revision),
  CHECK (total_stake_minor = total_payout_minor + total_refund_minor + house_net_minor)
);
COMMENT ON TABLE settlements IS 'One row per round and revision: the cards, the totals, who said so.';
COMMENT ON COLUMN settlements.rounding_minor IS 'Paid minus exact over all orders, in minor units: above zero when rounding favoured the players';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON settlements
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE round_audit (
  audit_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  round_id   text NOT NULL,
  action     text NOT NULL CHECK (action IN ('transition', 'result_refused')),
  event_type smallint,
  prev_state text NOT NULL,
  next_state text NOT NULL,
  actor      text NOT NULL,
  source     text NOT NULL CHECK (source IN ('api', 'deadline')),
  payload    json NOT NULL DEFAULT '{}',
  trace_id   text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX round_audit_by_round ON round_audit (round_id, audit_id);
COMMENT ON TABLE round_audit IS 'Every transition of a round, and every result that was refused, with its actor. Append-only.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON round_audit
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
