// A business transaction, alone, with a message by the engine, and with the same row by hand.
import { enqueue, prepared } from '@dt/outbox';
import pg from 'pg';
import { stopwatch } from '../../peers/lib/harness.mjs';
import { message } from './tables.mjs';

const ACCOUNTS = 10_000;

export async function prepareBusiness(pool) {
  await pool.query(`
    CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50);
    INSERT INTO accounts SELECT n, 1000000 FROM generate_series(0, ${ACCOUNTS - 1}) AS n;
    CREATE TABLE transfers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account int NOT NULL,
      amount bigint NOT NULL, reason text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON transfers (account, id)`);
}

/** What else the transaction writes. */
const messages = {
  none: async () => undefined,
  prepared: (client, n) => enqueue(prepared(client), [message(n, 'bench')]),
  unprepared: (client, n) => enqueue(client, [message(n, 'bench')]),
  plain: (client, n) => {
    const { topic, tag, messageKey, shardingKey, payload } = message(n, 'bench');
    return client.query({
      name: 'plain',
      text: `INSERT INTO plain_outbox (topic, tag, message_key, sharding_key, payload) VALUES ($1, $2, $3, $4, $5)`,
      values: [topic, tag, messageKey, shardingKey, JSON.stringify(payload)],
    });
  },
};

/**
 * Transactions over `connections` connections for `seconds`: an account is changed, the transfer written down.
 * @param {{ connection: object, connections: number, seconds: number, message: 'none' | 'prepared' | 'unprepared' | 'plain' }} spec
 */
export async function business({ connection, connections, seconds, message: kind, watched }) {
  const pool = new pg.Pool({ ...connection, max: connections });
  let done = 0;
  const run = (untilMs) =>
    Promise.all(
      Array.from({ length: connections }, async () => {
        const client = await pool.connect();
        while (performance.now() < untilMs) {
          const n = ++done;
          const account = Math.floor(Math.random() * ACCOUNTS);
          await client.query('BEGIN');
          await client.query('UPDATE accounts SET balance = balance - 250 WHERE id = $1', [account]);
          await client.query('INSERT INTO transfers (account, amount, reason) VALUES ($1, -250, $2)', [
            account,
            `bet ${n}`,
          ]);
          await messages[kind](client, n);
          await client.query('COMMIT');
        }
        client.release();
      }),
    );
  await run(performance.now() + 500);
  done = 0;
  const stop = stopwatch(watched);
  await run(performance.now() + seconds * 1000);
  const figures = stop(done);
  await pool.end();
  return figures;
}
