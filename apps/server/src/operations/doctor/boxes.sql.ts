/** Through the partial indexes of pending and dead rows, and the newest rows by key: not by the size of the table. */
export const OUTBOX_STATE = `
SELECT (SELECT count(*)::int FROM outbox WHERE status = 0) AS pending,
       (SELECT count(*)::int FROM outbox WHERE status = 2) AS dead,
       (SELECT extract(epoch FROM clock_timestamp() - min(created_at))::float8 FROM outbox WHERE status = 0) AS oldest_s,
       (SELECT max(sent_at) FROM (SELECT sent_at FROM outbox ORDER BY id DESC LIMIT 1000) AS newest) AS newest_sent,
       (SELECT last_error FROM outbox WHERE status = 0 AND last_error IS NOT NULL ORDER BY id LIMIT 1) AS error`;

/** `missing`: of the last 1000 outbox rows those that were sent $2 seconds ago and have no inbox row of group $1. */
export const INBOX_STATE = `
SELECT (SELECT count(*)::int FROM inbox WHERE status = 0 AND consumer_group = $1) AS pending,
       (SELECT count(*)::int FROM inbox WHERE status = 2 AND consumer_group = $1) AS dead,
       (SELECT extract(epoch FROM clock_timestamp() - min(received_at))::float8
          FROM inbox WHERE status = 0 AND consumer_group = $1) AS oldest_s,
       (SELECT last_error FROM inbox WHERE status = 0 AND consumer_group = $1 AND last_error IS NOT NULL
         ORDER BY id LIMIT 1) AS error,
       (SELECT count(*)::int
          FROM (SELECT * FROM outbox ORDER BY id DESC LIMIT 1000) AS o
         WHERE o.status = 1 AND o.sent_at < clock_timestamp() - make_interval(secs => $2)
           AND o.sent_at >= (SELECT coalesce(dropped_before, '-infinity') FROM outbox_retention WHERE box = 'inbox')
           AND NOT EXISTS (SELECT FROM inbox i WHERE i.consumer_group = $1 AND i.message_key = o.message_key)) AS missing`;
