import { type Statement } from '../database/index.ts';

const COLUMNS = `round_id, game_id, room_id, state, sealed_by, bet_start_at, deadline_at, bet_stop_at, betting_seconds,
  paytable, paytable_version, min_bet_minor, max_bet_minor, max_player_round_minor, max_round_liability_minor,
  escrow_account, revision, card_list, game_result, drawn_at, trace_id, created_at, updated_at`;

/** A row of `rounds` as the driver gives it. */
export interface RoundRow {
  readonly round_id: string;
  readonly game_id: string;
  readonly room_id: string;
  readonly state: 'betting' | 'sealed' | 'dealing' | 'drawn' | 'settled' | 'ended' | 'voided';
  readonly sealed_by: 'deadline' | 'dealer' | null;
  readonly bet_start_at: Date;
  readonly deadline_at: Date;
  readonly bet_stop_at: Date;
  readonly betting_seconds: number;
  readonly paytable: string;
  readonly paytable_version: number;
  readonly min_bet_minor: string;
  readonly max_bet_minor: string;
  readonly max_player_round_minor: string;
  readonly max_round_liability_minor: string;
  readonly escrow_account: string;
  readonly revision: number;
  readonly card_list: string | null;
  readonly game_result: 0 | 1 | 2 | 3;
  readonly drawn_at: Date | null;
  readonly trace_id: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/**
 * The lock that bets, seal and settlement of one round share. The clock must be read by a later statement: one read
 * here may be older than the wait for the lock.
 */
export const LOCK_ROUND: Statement = {
  name: 'round-lock',
  text: `SELECT ${COLUMNS} FROM rounds WHERE round_id = $1 FOR NO KEY UPDATE`,
};

export const ROUND: Statement = { name: 'round', text: `SELECT ${COLUMNS} FROM rounds WHERE round_id = $1` };

/** No row comes back when the id is taken or the room has an open round; both leave the transaction usable. */
export const START_ROUND: Statement = {
  name: 'round-start',
  text: `
INSERT INTO rounds (round_id, game_id, room_id, state, bet_start_at, deadline_at, bet_stop_at, betting_seconds,
  paytable, paytable_version, min_bet_minor, max_bet_minor, max_player_round_minor, max_round_liability_minor,
  escrow_account, trace_id, created_at, updated_at)
SELECT $1, $2, $3, 'betting', now, stop, stop, $4, $5, $6, $7, $8, $9, $10, $11, $12, now, now
  FROM (SELECT now, now + make_interval(secs => $4::integer) AS stop
          FROM (SELECT date_trunc('milliseconds', clock_timestamp()) AS now OFFSET 0) AS clock) AS times
ON CONFLICT DO NOTHING
RETURNING ${COLUMNS}`,
};

export const OPEN_ROUND_OF_ROOM: Statement = {
  name: 'round-open-of-room',
  text: `SELECT round_id FROM rounds WHERE room_id = $1 AND state NOT IN ('ended', 'voided')`,
};

/** $3 names who sealed, for the step into `sealed`; a dealer's stop also moves the end of betting to now. */
export const STEP_ROUND: Statement = {
  name: 'round-step',
  text: `
UPDATE rounds SET state = $2, updated_at = now,
       sealed_by = coalesce($3, sealed_by),
       bet_stop_at = CASE WHEN $3 = 'dealer' THEN least(greatest(now, bet_start_at), deadline_at) ELSE bet_stop_at END
  FROM (SELECT date_trunc('milliseconds', clock_timestamp()) AS now OFFSET 0) AS clock
 WHERE round_id = $1`,
};

export const IS_DUE: Statement = {
  name: 'round-is-due',
  text: 'SELECT clock_timestamp() >= $1::timestamptz AS due',
};

export const AUDIT: Statement = {
  name: 'round-audit',
  text: `INSERT INTO round_audit (round_id, action, event_type, prev_state, next_state, actor, source, payload, trace_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
};

/**
 * Rows are locked in the order of their ids, so that two instances cannot wait for each other, and are looked at
 * again after the wait: a round that somebody else sealed meanwhile is passed by.
 */
export const SEAL_DUE: Statement = {
  name: 'round-seal-due',
  text: `
WITH due AS (
  SELECT round_id FROM rounds
   WHERE state = 'betting' AND deadline_at <= clock_timestamp()
   ORDER BY round_id LIMIT 500 FOR NO KEY UPDATE
), sealed AS (
  UPDATE rounds SET state = 'sealed', sealed_by = 'deadline', updated_at = date_trunc('milliseconds', clock_timestamp())
    FROM due WHERE rounds.round_id = due.round_id
  RETURNING rounds.round_id, rounds.trace_id
)
INSERT INTO round_audit (round_id, action, event_type, prev_state, next_state, actor, source, trace_id)
SELECT round_id, 'transition', 2, 'betting', 'sealed', 'system', 'deadline', trace_id FROM sealed`,
};
