import { type Statement } from '../database/index.ts';

export const BALANCE = `SELECT w.balance_minor, w.currency, w.updated_at
           FROM players p JOIN wallets w USING (player_id)
          WHERE p.platform_id = $1 AND p.platform_user_id = $2 AND w.currency = $3`;

/** The lock of everything a player does with money. */
export const LOCK_WALLET: Statement = {
  name: 'wallet-lock',
  text: `SELECT p.player_id, p.status, w.account_id
           FROM players p JOIN wallets w USING (player_id)
          WHERE p.platform_id = $1 AND p.platform_user_id = $2 AND w.currency = $3
            FOR NO KEY UPDATE OF w`,
};

export const ADD_PLAYER: Statement = {
  name: 'player-add',
  text: `INSERT INTO players (player_id, platform_id, platform_user_id, user_name)
         VALUES (coalesce($4::bigint, nextval(pg_get_serial_sequence('players', 'player_id'))), $1, $2, $3)
         ON CONFLICT (platform_id, platform_user_id) DO NOTHING`,
};

export const PLAYER_ID: Statement = {
  name: 'player-id',
  text: 'SELECT player_id FROM players WHERE platform_id = $1 AND platform_user_id = $2',
};

export const ADD_WALLET: Statement = {
  name: 'wallet-add',
  text: `INSERT INTO wallets (player_id, currency, account_id) VALUES ($1, $2, $3)
         ON CONFLICT (player_id, currency) DO NOTHING`,
};

export const TRANSACTION: Statement = {
  name: 'wallet-transaction',
  text: `SELECT t.transaction_id, t.kind, t.amount_minor, t.balance_after_minor, t.currency, t.created_at
           FROM wallet_transactions t JOIN players p USING (player_id)
          WHERE p.platform_id = $1 AND p.platform_user_id = $2 AND t.transaction_id = $3`,
};

/**
 * Balance, transfer and the first answer in one statement. No row comes back when the balance does not cover a
 * withdrawal; nothing is written then. $5 is below zero for a withdrawal.
 */
export const MOVE: Statement = {
  name: 'wallet-move',
  text: `
WITH moved AS (
  UPDATE wallets SET balance_minor = balance_minor + $5::bigint,
                     updated_at = date_trunc('milliseconds', clock_timestamp())
   WHERE player_id = $1 AND currency = $6 AND balance_minor + $5::bigint >= 0
  RETURNING balance_minor, account_id, updated_at
), transferred AS (
  INSERT INTO transfers (kind, reference, revision, from_account, to_account, amount_minor, currency, trace_id, created_at)
  SELECT $2, $1::bigint::text || '/' || $3, 1,
         CASE $2 WHEN 'deposit' THEN $4::bigint ELSE account_id END,
         CASE $2 WHEN 'deposit' THEN account_id ELSE $4::bigint END,
         abs($5::bigint), $6, $7, updated_at
    FROM moved
)
INSERT INTO wallet_transactions
  (player_id, transaction_id, kind, amount_minor, currency, balance_after_minor, trace_id, created_at)
SELECT $1, $3, $2, abs($5::bigint), $6, balance_minor, $7, updated_at FROM moved
RETURNING transaction_id, kind, amount_minor, balance_after_minor, currency, created_at`,
};
