import { type Tables } from './schema/tables.ts';

/**
 * What waits. Reads the partial index of the pending rows only, with a look at each row for its age:
 * for a look now and then, not for every request.
 */
export const backlogSql = (t: Tables): string => `
SELECT count(*)::int AS pending,
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at)) * 1000, 0)::float8 AS oldest_ms,
       count(*) FILTER (WHERE next_attempt_at IS NOT NULL)::int AS retrying
FROM ${t.outbox} WHERE status = 0`;

export const inboxBacklogSql = (t: Tables): string => `
SELECT consumer_group, count(*)::int AS pending,
       coalesce(extract(epoch FROM clock_timestamp() - min(received_at)) * 1000, 0)::float8 AS oldest_ms
FROM ${t.inbox} WHERE status = 0 GROUP BY consumer_group ORDER BY consumer_group`;

export const ownersSql = (t: Tables): string => `
SELECT coalesce(r.instance_id, '') AS instance, count(*)::int AS lanes
FROM ${t.lanes} l LEFT JOIN ${t.relays} r ON r.session_id = l.owner AND r.expires_at > clock_timestamp()
GROUP BY 1 ORDER BY 1`;
