// Emptying an outbox: by the relay, and by the least that any relay must do.
import { fromPgPool, Relay, rocketmqPublisher } from '@dt/outbox';
import { Producer } from '@dt/rocketmq-client';
import pg from 'pg';
import { stopwatch } from '../../peers/lib/harness.mjs';
import { add } from './tables.mjs';

const BATCH = 1_000;
/** Takes everything at once and keeps nothing. */
const nullSink = {
  publish: async (messages) =>
    messages.map((row) => ({ status: 'sent', messageId: `null-${row.id}`, queueOffset: row.id })),
};

async function sinkOf({ nameServer, group }) {
  if (nameServer === undefined) return { publisher: nullSink, close: async () => undefined };
  const producer = new Producer({ nameServers: nameServer, group });
  await producer.start();
  return { publisher: rocketmqPublisher(producer), close: () => producer.close() };
}

/** A relay and a way to wait for its count. */
async function startRelay(pool, publisher) {
  let waiter = { sent: Infinity, resolve: () => undefined };
  const relay = new Relay({
    database: fromPgPool(pool),
    publisher,
    onBatch: () => {
      if (relay.stats().sent >= waiter.sent) waiter.resolve();
    },
    onError: (error, during) => process.stderr.write(`relay, ${during}: ${error.message}\n`),
  });
  const sent = (count) => new Promise((resolve) => (waiter = { sent: count, resolve }));
  return { relay, sent };
}

/**
 * From the start of a relay until `rows` of those that wait are marked sent.
 * @param {{ connection: object, rows: number, nameServer?: string, group?: string }} spec
 */
export async function relayBacklog(spec) {
  const pool = new pg.Pool({ ...spec.connection, max: 10 });
  const sink = await sinkOf(spec);
  const { relay, sent } = await startRelay(pool, sink.publisher);
  const stop = stopwatch(spec.watched);
  const done = sent(spec.rows);
  await relay.start();
  await done;
  const figures = stop(relay.stats().sent);
  await relay.close();
  await sink.close();
  await pool.end();
  return figures;
}

/** `waves` times: `rows` rows are committed, and a relay that runs is told; only the time until they are marked counts. */
export async function relayWaves({ connection, rows, waves, watched }) {
  const pool = new pg.Pool({ ...connection, max: 10 });
  const { relay, sent } = await startRelay(pool, nullSink);
  await relay.start();
  const figures = await inWaves(pool, 'outbox', { rows, waves, watched }, async (before) => {
    const done = sent(before + rows);
    relay.kick();
    await done;
  });
  await relay.close();
  await pool.end();
  return figures;
}

async function inWaves(pool, table, { rows, waves, watched }, empty) {
  const all = [];
  for (let wave = -3; wave < waves; wave++) {
    const before = (wave + 3) * rows;
    await add(pool, table, rows, 'bench', before + 1);
    const stop = stopwatch(watched);
    await empty(before);
    // The first ones warm up.
    if (wave >= 0) all.push(stop(rows));
  }
  return sumOf(all);
}

function sumOf(all) {
  const sum = (figure) => all.reduce((total, figures) => total + figure(figures), 0);
  return {
    messages: sum(({ messages }) => messages),
    seconds: sum(({ seconds }) => seconds),
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    watched: Object.fromEntries(
      Object.keys(all[0].watched).map((name) => [name, sum(({ watched }) => watched[name])]),
    ),
  };
}

/**
 * The plain way to do it: read a batch under lock, mark it sent, commit. Two connections, as two keep two cores busy.
 */
export async function plainBacklog({ connection, rows, watched }) {
  const pool = new pg.Pool({ ...connection, max: 2 });
  const stop = stopwatch(watched);
  let left = rows;
  await Promise.all(
    [0, 1].map(() =>
      plainLoop(
        pool,
        () => left > 0,
        (marked) => (left -= marked),
      ),
    ),
  );
  const figures = stop(rows - left);
  await pool.end();
  return figures;
}

export async function plainWaves({ connection, rows, waves, watched }) {
  const pool = new pg.Pool({ ...connection, max: 2 });
  const figures = await inWaves(pool, 'plain_outbox', { rows, waves, watched }, async () => {
    let left = rows;
    await plainLoop(
      pool,
      () => left > 0,
      (marked) => (left -= marked),
    );
  });
  await pool.end();
  return figures;
}

async function plainLoop(pool, more, count) {
  const client = await pool.connect();
  try {
    while (more()) {
      await client.query('BEGIN');
      const { rows } = await client.query(
        `SELECT id, topic, tag, message_key, sharding_key, payload::text, headers FROM plain_outbox
          WHERE status = 0 ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`,
      );
      await client.query(
        `UPDATE plain_outbox o SET status = 1, sent_at = now(), attempts = attempts + 1, message_id = s.message_id,
                                   queue_offset = s.id
           FROM unnest($1::bigint[], $2::text[]) AS s(id, message_id) WHERE o.id = s.id`,
        [rows.map((row) => row.id), rows.map((row) => `null-${row.id}`)],
      );
      await client.query('COMMIT');
      if (rows.length === 0) return;
      count(rows.length);
    }
  } finally {
    client.release();
  }
}
