// The relay on its own, and the plain way to empty an outbox.
import { setTimeout as pause } from 'node:timers/promises';
import { enqueue, fromPgPool, migrate, Relay } from '@dt/outbox';
import { timed } from './report.mjs';

const SHARDING_KEYS = 1_000;
const BATCH = 1_000;

/** A message like a settlement's. */
function message(number, topic) {
  const player = `p:99:bench-${number % SHARDING_KEYS}`;
  const payload = {
    bet_amount: '25.50',
    bill_no: `DT20260101080005${String(number).padStart(7, '0')}`,
    currency: 'CNY',
    event: 'order_settled',
    game_id: 'dt_game',
    game_round_id: 'bench-1',
    payout: '229.50',
    platform_id: 99,
    platform_user_id: player,
    play_type: 'tie',
    result: 'tie',
    revision: 1,
    room_id: 'bench',
    trace_id: '0f8fad5b-d9cb-469f-a165-70867728950e',
    user_id: 42,
    version: 1,
  };
  return {
    topic,
    tag: 'order_settled',
    messageKey: `${payload.bill_no}:1:order_settled`,
    shardingKey: player,
    payload,
  };
}

export async function fill(pool, rows, topic) {
  const messages = Array.from({ length: rows }, (_, number) => message(number, topic));
  await fromPgPool(pool).transaction((tx) => enqueue(tx, messages));
  await pool.query('ANALYZE outbox');
}

export async function prepare(pool) {
  await migrate(fromPgPool(pool));
}

/** Rows a second from the start of a relay until every row is marked sent. */
export async function relayRowsPerSecond(pool, publisher, rows) {
  const relay = new Relay({ database: fromPgPool(pool), publisher });
  try {
    const ms = await timed(async () => {
      await relay.start();
      // Looking costs time too, so only as often as the figure needs.
      while ((await pool.query('SELECT FROM outbox WHERE status = 0 LIMIT 1')).rowCount !== 0) await pause(5);
    });
    return (rows * 1000) / ms;
  } finally {
    await relay.close();
  }
}

/** Takes everything at once and keeps nothing. */
export const nullSink = {
  publish: async (messages) =>
    messages.map((row) => ({ status: 'sent', messageId: `null-${row.id}`, queueOffset: row.id })),
};

/** Rows a second of the least that any relay must do: read a batch under lock, mark it sent, commit; one connection. */
export async function plainRowsPerSecond(pool, rows) {
  await pool.query(
    'CREATE TABLE plain_outbox (LIKE outbox INCLUDING ALL EXCLUDING GENERATED EXCLUDING INDEXES, PRIMARY KEY (id))',
  );
  await pool.query('INSERT INTO plain_outbox SELECT * FROM outbox ORDER BY id');
  await pool.query('UPDATE plain_outbox SET status = 0, sent_at = NULL, message_id = NULL');
  await pool.query('CREATE INDEX ON plain_outbox (id) WHERE status = 0');
  await pool.query('VACUUM ANALYZE plain_outbox');
  const client = await pool.connect();
  try {
    const ms = await timed(async () => {
      for (;;) {
        await client.query('BEGIN');
        const { rows: claimed } = await client.query(
          `SELECT id, topic, tag, message_key, sharding_key, payload::text, headers FROM plain_outbox
            WHERE status = 0 ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`,
        );
        await client.query(
          `UPDATE plain_outbox o SET status = 1, sent_at = clock_timestamp(), message_id = s.message_id, queue_offset = s.id
             FROM unnest($1::bigint[], $2::text[]) AS s(id, message_id) WHERE o.id = s.id`,
          [claimed.map((row) => row.id), claimed.map((row) => `null-${row.id}`)],
        );
        await client.query('COMMIT');
        if (claimed.length === 0) return;
      }
    });
    return (rows * 1000) / ms;
  } finally {
    client.release();
    await pool.query('DROP TABLE plain_outbox');
  }
}
