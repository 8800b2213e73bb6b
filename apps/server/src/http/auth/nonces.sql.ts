import type { Statement } from '../../database/index.ts';

/**
 * $1 app keys, $2 nonces, $3 seconds they are kept. No pair twice, and in one order everywhere, so that two
 * instances never wait for each other in a circle. A row for each that is new, or whose earlier use has expired.
 */
export const spendNonces: Statement = {
  name: 'nonces-spend',
  text: `
    INSERT INTO nonces AS known (app_key, nonce, expires_at)
    SELECT app_key, nonce, now() + make_interval(secs => $3)
    FROM unnest($1::text[], $2::text[]) AS used (app_key, nonce)
    ON CONFLICT (app_key, nonce) DO UPDATE SET expires_at = excluded.expires_at
    WHERE known.expires_at <= now()
    RETURNING app_key, nonce`,
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
