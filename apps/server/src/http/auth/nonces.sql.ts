import type { Statement } from '../../database/index.ts';

/** $1 app key, $2 nonce, $3 seconds it is kept. One row when the nonce is new, or what was there has expired. */
export const spendNonce: Statement = {
  name: 'nonces-spend',
  text: `
    INSERT INTO nonces AS known (app_key, nonce, expires_at)
    VALUES ($1, $2, now() + make_interval(secs => $3))
    ON CONFLICT (app_key, nonce) DO UPDATE SET expires_at = excluded.expires_at
    WHERE known.expires_at <= now()`,
};

/** $1 app key, $2 nonce. */
export const findSpentNonce: Statement = {
  name: 'nonces-find',
  text: 'SELECT 1 FROM nonces WHERE app_key = $1 AND nonce = $2 AND expires_at > now()',
};

/** A bounded piece of what has expired, so that no purge holds the table for long. */
export const purgeNonces: Statement = {
  name: 'nonces-purge',
  text: `
    DELETE FROM nonces
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM nonces WHERE expires_at <= now() LIMIT 10000))`,
};
