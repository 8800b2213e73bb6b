// The rows that engine, plain SQL and peers work on, written by the database itself: a million of them in seconds.
import { fromPgPool, migrate } from '@dt/outbox';

export const SHARDING_KEYS = 1_000;
export const TAG = 'order_settled';

/** JSON of a settlement of 1,024 bytes; `n` is its number. */
const PAYLOAD = `rpad(
  '{"version":1,"event":"${TAG}","bill_no":"DT' || lpad(n::text, 12, '0') || '","user_id":' || n % ${SHARDING_KEYS}
  || ',"amount":250,"currency":"CNY","note":"', 1022, 'x') || '"}'`;

/** @param {string} table a table with the columns of a message */
const fillSql = (table) => `
INSERT INTO ${table} (topic, tag, message_key, sharding_key, payload)
SELECT $1, '${TAG}', 'DT' || lpad(n::text, 12, '0') || ':1:${TAG}', 'p:99:' || n % ${SHARDING_KEYS}, (${PAYLOAD})::json
FROM generate_series($2::int, $3::int) AS n ORDER BY n`;

/** The same message, made here. */
export function message(n, topic) {
  const billNo = `DT${String(n).padStart(12, '0')}`;
  const user = n % SHARDING_KEYS;
  const fields = { version: 1, event: TAG, bill_no: billNo, user_id: user, amount: 250, currency: 'CNY' };
  const bare = JSON.stringify({ ...fields, note: '' });
  return {
    topic,
    tag: TAG,
    messageKey: `${billNo}:1:${TAG}`,
    shardingKey: `p:99:${user}`,
    payload: { ...fields, note: 'x'.repeat(1024 - bare.length) },
  };
}

/** Outbox and inbox, the effect's table, and the tables of the plain way: the same without what only the engine needs. */
export async function prepare(pool) {
  await migrate(fromPgPool(pool));
  await pool.query(`
    CREATE TABLE plain_outbox (LIKE outbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE, PRIMARY KEY (id));
    ALTER TABLE plain_outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
      autovacuum_vacuum_cost_delay = 0);
    ALTER TABLE plain_outbox ALTER COLUMN lane SET DEFAULT 0;
    CREATE INDEX plain_outbox_pending ON plain_outbox (id) WHERE status = 0;
    CREATE TABLE plain_inbox (LIKE inbox INCLUDING DEFAULTS, PRIMARY KEY (consumer_group, message_key));
    CREATE TABLE balances (user_id int PRIMARY KEY, amount bigint NOT NULL) WITH (fillfactor = 50);
    INSERT INTO balances SELECT n, 0 FROM generate_series(0, ${SHARDING_KEYS - 1}) AS n`);
}

/** Leaves the table with `rows` pending rows and nothing else, and the database with nothing to catch up on. */
export async function fill(pool, table, rows, topic = 'bench') {
  await pool.query(`TRUNCATE ${table}`);
  await add(pool, table, rows, topic);
  await pool.query(`VACUUM (ANALYZE) ${table}`);
  await pool.query('CHECKPOINT');
}

export async function add(pool, table, rows, topic = 'bench', first = 1) {
  await pool.query(fillSql(table), [topic, first, first + rows - 1]);
}
