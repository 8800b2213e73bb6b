import { type Tables } from './tables.ts';

/** When the oldest row that waits was created, near enough: the first of each lane is looked at, not all of them. */
export const oldestPendingSql = (t: Tables): string => `
SELECT min(first.created_at) FROM ${t.lanes} l CROSS JOIN LATERAL (
  SELECT o.created_at FROM ${t.outbox} o WHERE o.status = 0 AND o.lane = l.lane AND o.id > l.floor ORDER BY o.id LIMIT 1
) AS first`;
