import { type Tables } from '../schema/tables.ts';

/**
 * One statement for any number of messages. ORDER BY fixes which message gets which id: PostgreSQL evaluates the
 * defaults after the sort, so the ids of one call grow in the order of its array.
 */
export const enqueueSql = (t: Tables): string => `
INSERT INTO ${t.outbox} (topic, tag, message_key, sharding_key, payload, headers)
SELECT topic, tag, message_key, sharding_key, payload::json, headers::json
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
  WITH ORDINALITY AS m(topic, tag, message_key, sharding_key, payload, headers, place)
ORDER BY place`;

/**
 * One message, as most transactions write it: half the time of the statement above, whose arrays have to be planned,
 * read and sorted. Through text, because a client that knows the type json would encode the value once more.
 */
export const enqueueOneSql = (t: Tables): string => `
INSERT INTO ${t.outbox} (topic, tag, message_key, sharding_key, payload, headers)
VALUES ($1, $2, $3, $4, $5::text::json, $6::text::json)`;

/**
 * Transactions that write the same sharding keys one after the other: the ids of a key then follow the order of the
 * commits. 1,024 slots, because a lock a key would fill the lock table with a large round. Taken in ascending order,
 * so two calls cannot wait for each other.
 */
export const lockKeysSql = (t: Tables): string => `
SELECT pg_advisory_xact_lock(hashtext('${t.outbox.replaceAll("'", "''")}'), slot)
FROM (SELECT DISTINCT (hashtextextended(k, 1) & 1023)::int AS slot FROM unnest($1::text[]) AS k ORDER BY slot) AS slots`;
