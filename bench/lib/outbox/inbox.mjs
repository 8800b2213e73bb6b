// From the broker into the inbox, with an effect on a balance in the same transaction; and the same rows by plain SQL.
import { fromPgPool, Inbox, rocketmqReceiver } from '@dt/outbox';
import { PushConsumer } from '@dt/rocketmq-client';
import pg from 'pg';
import { counter, stopwatch } from '../../peers/lib/harness.mjs';
import { message, TAG } from './tables.mjs';

const BATCH = 256;
const CONNECTIONS = 4;

/** Batches of different queues never share a user, so their order does not matter; that of one is fixed by the sort. */
const EFFECT = `
UPDATE balances b SET amount = b.amount + s.amount
FROM (SELECT user_id, sum(amount) AS amount FROM unnest($1::int[], $2::bigint[]) AS m(user_id, amount)
      GROUP BY user_id ORDER BY user_id) AS s
WHERE b.user_id = s.user_id`;

export const balances = {
  batch: (tx, messages) =>
    tx.query(EFFECT, [
      messages.map(({ payload }) => payload.user_id),
      messages.map(({ payload }) => payload.amount),
    ]),
};

/**
 * From the first message that is committed to the last of `count`; options of the consumer are those of the server.
 * @param {{ connection: object, nameServer: string, topic: string, group: string, count: number }} spec
 */
export async function inboxFromBroker(spec) {
  const { nameServer, topic, group } = spec;
  const pool = new pg.Pool({ ...spec.connection, max: 10 });
  const { seen, done } = counter(spec);
  const inbox = new Inbox({
    database: fromPgPool(pool),
    consumerGroup: group,
    handlers: { [TAG]: balances },
    onBatch: ({ applied }) => seen(applied),
    onError: (error) => process.stderr.write(`inbox: ${error.message}\n`),
  });
  inbox.start();
  const consumer = new PushConsumer({
    nameServers: nameServer,
    group,
    subscriptions: [{ topic, expression: '*' }],
    from: 'first',
    batchSize: BATCH,
    onError: 'suspend',
    handler: rocketmqReceiver(inbox),
  });
  await consumer.start();
  const figures = await done;
  await consumer.close();
  await inbox.close();
  await pool.end();
  return figures;
}

/**
 * The rows and effects of the same messages, which lie ready in memory, in batches of the same size. As in the queues of
 * a broker, the messages of a user are all in the hands of one connection.
 */
export async function plainInbox({ connection, group, count, watched }) {
  const pool = new pg.Pool({ ...connection, max: CONNECTIONS });
  const lines = Array.from({ length: CONNECTIONS }, (_, line) => batchesOf(line, count));
  const stop = stopwatch(watched);
  await Promise.all(lines.map((batches) => plainLine(pool, group, batches)));
  const figures = stop(count);
  await pool.end();
  return figures;
}

/** Every fourth message, so every fourth user. */
function batchesOf(line, count) {
  const batches = [];
  for (let first = line + 1; first <= count; first += BATCH * CONNECTIONS) {
    const size = Math.min(BATCH, Math.ceil((count - first + 1) / CONNECTIONS));
    batches.push(Array.from({ length: size }, (_, n) => message(first + n * CONNECTIONS)));
  }
  return batches;
}

async function plainLine(pool, group, batches) {
  const client = await pool.connect();
  for (const batch of batches) {
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO plain_inbox (consumer_group, message_key, topic, tag, sharding_key, payload, status, processed_at)
       SELECT $1, k, 'bench', '${TAG}', s, p::json, 1, now()
         FROM unnest($2::text[], $3::text[], $4::text[]) AS m(k, s, p)
       ON CONFLICT DO NOTHING RETURNING message_key`,
      [
        group,
        batch.map(({ messageKey }) => messageKey),
        batch.map(({ shardingKey }) => shardingKey),
        batch.map(({ payload }) => JSON.stringify(payload)),
      ],
    );
    await balances.batch(client, batch);
    await client.query('COMMIT');
  }
  client.release();
}
