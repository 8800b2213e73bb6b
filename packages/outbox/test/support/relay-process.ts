// A relay in a process of its own, to be killed. Its broker is the table `broker_log`, written in a transaction of its
// own: what was stored there before a SIGKILL stays stored.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { fromPgPool, Relay } from '../../src/index.ts';

const { DATABASE, LEASE_MS, MAX_CRASHES, POISON, DELAY_MS, POLL_MS } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE, max: 8 });
pool.on('error', () => {});
const relay = new Relay({
  database: fromPgPool(pool),
  pollMs: Number(POLL_MS ?? 50),
  batchSize: 40,
  ...(LEASE_MS !== undefined && { leaseMs: Number(LEASE_MS) }),
  ...(MAX_CRASHES !== undefined && { maxCrashes: Number(MAX_CRASHES) }),
  publisher: {
    publish: async (messages) => {
      await sleep(Math.random() * Number(DELAY_MS ?? 0));
      if (POISON !== undefined && messages.some((message) => message.messageKey === POISON)) {
        process.kill(process.pid, 'SIGKILL');
        await new Promise(() => {});
      }
      const { rows } = await pool.query<{ id: string }>(
        `INSERT INTO broker_log (message_key, sharding_key)
         SELECT k, s FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS m(k, s, place) ORDER BY place RETURNING id`,
        [messages.map((message) => message.messageKey), messages.map((message) => message.shardingKey)],
      );
      return rows.map(({ id }) => ({ status: 'sent', messageId: id }));
    },
  },
});
await relay.start();
process.stdout.write('relay started\n');
process.on('SIGTERM', () => {
  void relay.close().then(() => pool.end());
});
