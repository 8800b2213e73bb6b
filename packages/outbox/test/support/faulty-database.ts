import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type PostgresServer, startPostgres } from '@dt/postgres-embedded';
import { eventually, faultProxy, type FaultProxy } from '@dt/testkit';
import { expect } from 'vitest';
import pg from 'pg';
import { enqueue, fromPgPool, Inbox, migrate, Relay } from '../../src/index.ts';
import { RecordingBroker } from '../../src/testing/index.ts';

/** Of the pool that the engine has. */
export const POOL_SIZE = 8;

/**
 * A PostgreSQL of its own, which the engine reaches through `proxy` alone; writers and checks have another way in. The
 * pool's time-outs are what an application sets that expects its network to fail.
 */
export class FaultyDatabase implements AsyncDisposable {
  readonly proxy: FaultProxy;
  /** For everything but the engine. */
  readonly direct: pg.Pool;
  readonly engine: pg.Pool;
  readonly #dataDir: string;
  readonly #bypass: FaultProxy;
  #server: PostgresServer;

  static async start(): Promise<FaultyDatabase> {
    const dataDir = await mkdtemp(join(tmpdir(), 'dt-faults-'));
    const server = await startServer(dataDir);
    const { host } = new URL(server.connectionString);
    const database = new FaultyDatabase(
      dataDir,
      server,
      await faultProxy({ target: host }),
      await faultProxy({ target: host }),
    );
    await migrate(fromPgPool(database.direct));
    await database.direct.query(
      'CREATE TABLE effects (id bigserial PRIMARY KEY, message_key text NOT NULL, sharding_key text NOT NULL)',
    );
    return database;
  }

  private constructor(dataDir: string, server: PostgresServer, proxy: FaultProxy, bypass: FaultProxy) {
    this.#dataDir = dataDir;
    this.#server = server;
    this.proxy = proxy;
    this.#bypass = bypass;
    this.direct = newPool(through(server, bypass));
    this.engine = newPool(through(server, proxy));
  }

  /** Stops the server, and starts it again at once. */
  async restart(): Promise<void> {
    await this.#server.stop();
    this.#server = await startServer(this.#dataDir);
    const { host } = new URL(this.#server.connectionString);
    this.proxy.target = host;
    this.#bypass.target = host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy.close();
    await Promise.all([this.engine.end(), this.direct.end()]);
    await this.#bypass.close();
    await this.#server.stop();
    await rm(this.#dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

function startServer(dataDir: string): Promise<PostgresServer> {
  return startPostgres({
    dataDir,
    transport: 'tcp',
    parameters: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
  });
}

function through(server: PostgresServer, { address }: FaultProxy): string {
  const url = new URL(server.connectionString);
  url.host = address;
  return url.href;
}

function newPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max: POOL_SIZE,
    connectionTimeoutMillis: 1000,
    query_timeout: 1500,
  });
  pool.on('error', () => {});
  return pool;
}

/**
 * Writes all the while, over relay, broker and inbox, brings `fault` about, and asks for everything when it is over:
 * each message arrives, in order of its sharding key, and has one effect.
 */
export async function expectWholeAfter(
  database: FaultyDatabase,
  fault: () => Promise<void>,
): Promise<{ doubles: number }> {
  const { direct, engine } = database;
  await direct.query('TRUNCATE outbox, inbox, outbox_relays, outbox_flights, effects');
  await direct.query('UPDATE outbox_lanes SET owner = NULL, floor = 0, epoch = epoch + 1');
  const broker = new RecordingBroker();
  const relay = new Relay({
    database: fromPgPool(engine),
    publisher: broker.publisher(),
    concurrency: 2,
    pollMs: 50,
    leaseMs: 1200,
    queryTimeoutMs: 1000,
    retry: { initialMs: 20, maxMs: 100 },
  });
  const inbox = new Inbox({
    database: fromPgPool(engine),
    consumerGroup: 'statement',
    handlers: {
      '*': async (tx, { messageKey, shardingKey }) => {
        await tx.query('INSERT INTO effects (message_key, sharding_key) VALUES ($1, $2)', [
          messageKey,
          shardingKey,
        ]);
      },
    },
    pollMs: 50,
    retry: { initialMs: 20, maxMs: 100 },
  });
  const stop = new AbortController();
  await relay.start();
  inbox.start();
  const consuming = consume(broker, inbox, stop.signal);
  const writing = write(direct, relay, stop.signal);
  let written: readonly string[];
  try {
    await eventually(() => broker.log.length >= 20, { what: 'the first messages' });
    await fault();
    await pause(200);
    stop.abort();
    written = await writing;
    await eventually(
      async () => {
        const { rows } = await direct.query(
          `SELECT (SELECT count(*) FROM outbox WHERE status = 1)::int AS sent, (SELECT count(*) FROM effects)::int AS effects`,
        );
        expect(rows).toEqual([{ sent: written.length, effects: written.length }]);
        return true;
      },
      { timeoutMs: 120_000, what: 'the arrival of everything' },
    );
  } finally {
    stop.abort();
    await Promise.allSettled([writing, consuming.end()]);
    await Promise.all([relay.close(), inbox.close()]);
  }
  const expected = byKey(written);
  expect(broker.firstArrivals(), 'order at the broker').toEqual(expected);
  const { rows } = await direct.query<{ message_key: string }>('SELECT message_key FROM effects ORDER BY id');
  expect(byKey(rows.map((row) => row.message_key)), 'order of the effects').toEqual(expected);
  return { doubles: broker.log.length - written.length };
}

const KEYS = 8;

/** Resolves to the message keys in the order of their commits; `<sharding key>.<number>`. */
async function write(pool: pg.Pool, relay: Relay, signal: AbortSignal): Promise<readonly string[]> {
  const written: string[] = [];
  const database = fromPgPool(pool);
  for (let number = 0; !signal.aborted; number++) {
    const keys = Array.from({ length: KEYS }, (_, key) => `${key}.${number}`);
    try {
      await database.transaction((tx) =>
        enqueue(
          tx,
          keys.map((messageKey) => ({
            topic: 't',
            messageKey,
            shardingKey: messageKey.split('.')[0] ?? '',
            payload: {},
          })),
        ),
      );
      written.push(...keys);
    } catch {
      // Only while the server itself is away. Committed or not, the rows tell.
      written.push(...(await eventually(() => whichExist(pool, keys), { timeoutMs: 20_000 })));
    }
    relay.kick();
    await pause(10);
  }
  return written;
}

async function whichExist(pool: pg.Pool, messageKeys: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ message_key: string }>(
    'SELECT message_key FROM outbox WHERE message_key = ANY ($1) ORDER BY id',
    [messageKeys],
  );
  return rows.map((row) => row.message_key);
}

/** Hands over what the broker has, in order; the same again until it is taken. */
function consume(broker: RecordingBroker, inbox: Inbox, writing: AbortSignal): { end(): Promise<void> } {
  const ended = new AbortController();
  const run = async (): Promise<void> => {
    for (let position = 0; !ended.signal.aborted;) {
      const batch = broker.log.slice(position, position + 200);
      try {
        if (batch.length > 0) await inbox.receive(batch);
        position += batch.length;
      } catch {
        // Delivered again.
      }
      await pause(writing.aborted ? 5 : 20);
    }
  };
  const running = run();
  return {
    end: () => {
      ended.abort();
      return running;
    },
  };
}

function byKey(messageKeys: readonly string[]): Map<string, string[]> {
  const lists = new Map<string, string[]>();
  for (const messageKey of messageKeys) {
    const key = messageKey.split('.')[0] ?? '';
    lists.set(key, [...(lists.get(key) ?? []), messageKey]);
  }
  return lists;
}
