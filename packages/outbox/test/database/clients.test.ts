// The engine on every client there is an adapter for: the same statements, and parameters and results that differ.
import pg from 'pg';
import postgres from 'postgres';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, eventually, type TestDatabase } from '@dt/testkit';
import {
  type Database,
  enqueue,
  fromPgPool,
  fromPostgresJs,
  fromTypeOrm,
  Inbox,
  migrate,
  type OutboxMessage,
  prepared,
  type Queryable,
  readBacklog,
  Relay,
} from '../../src/index.ts';
import { RecordingBroker } from '../../src/testing/index.ts';

interface Client {
  readonly database: Database;
  /** A transaction as a user of this client writes it, with the adapter inside. */
  transaction(work: (tx: Queryable) => Promise<void>): Promise<unknown>;
  close(): Promise<void>;
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

type Open = (place: Place) => Promise<Client>;

/** Not every client reads the address of a unix socket. */
function placeOf({ connectionString }: TestDatabase): Place {
  const { host, port, user = '', password, database = '' } = new pg.Client({ connectionString });
  return { host, port, user, password: password ?? '', database };
}

const openPg =
  (adapt: (client: pg.PoolClient) => Queryable): Open =>
  async (place) => {
    const pool = new pg.Pool({ ...place, max: 8 });
    pool.on('error', () => {});
    return {
      database: fromPgPool(pool),
      transaction: async (work) => {
        const client = await pool.connect();
        try {
          await client.query('BEGIN');
          await work(adapt(client));
          await client.query('COMMIT');
        } catch (error) {
          await client.query('ROLLBACK');
          throw error;
        } finally {
          client.release();
        }
      },
      close: () => pool.end(),
    };
  };

const asItIs = openPg((client) => client);

const openPostgresJs =
  (options: postgres.Options<Record<string, postgres.PostgresType>>): Open =>
  async (place) => {
    const sql = postgres({ ...place, max: 8, ...options, onnotice: () => {} });
    return {
      database: fromPostgresJs(sql),
      transaction: (work) => sql.begin((tx) => work(fromPostgresJs(tx))),
      close: () => sql.end({ timeout: 5 }),
    };
  };

const openTypeOrm: Open = async ({ user, ...place }) => {
  const source = new DataSource({
    type: 'postgres',
    ...place,
    username: user,
    extra: { max: 8 },
    poolErrorHandler: () => {},
  });
  await source.initialize();
  return {
    database: fromTypeOrm(source),
    transaction: (work) => source.transaction((manager) => work(fromTypeOrm(manager))),
    close: () => source.destroy(),
  };
};

/** postgres.js writes to the socket of a connection that has just gone and ends the process: nothing an adapter can mend. */
const survivesCuts: [string, Open][] = [
  ['pg', asItIs],
  ['TypeORM', openTypeOrm],
];

describe.each<[string, Open]>([
  ['pg', asItIs],
  ['pg with statements prepared', openPg(prepared)],
  ['postgres.js', openPostgresJs({})],
  ['postgres.js that was not let fetch types', openPostgresJs({ fetch_types: false })],
  ['TypeORM', openTypeOrm],
])('on %s', (name, open) => {
  let test: TestDatabase;
  let client: Client;
  let running: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    test = await createTestDatabase();
    client = await open(placeOf(test));
    await migrate(client.database);
    await client.database.query('CREATE TABLE effects (id bigserial, message_key text)');
  });
  afterAll(async () => {
    await client.close();
    await test.drop();
  });
  beforeEach(() => client.database.query('TRUNCATE outbox, inbox, effects'));
  afterEach(async () => {
    await Promise.all(running.map((part) => part.close()));
    running = [];
  });

  const message = (i: number, more: Partial<OutboxMessage> = {}): OutboxMessage => ({
    topic: 'dt_settle',
    messageKey: `k-${i}`,
    shardingKey: `p-${i % 3}`,
    payload: { text: 'a "quoted" \\ {brace}, NULL, ünï', nothing: null, list: [1, '2'] },
    ...more,
  });

  const rows = async (text: string): Promise<readonly unknown[]> => (await client.database.query(text)).rows;

  it('enqueues in the transaction of the caller, and not when that rolls back', async () => {
    await client.transaction(async (tx) => {
      await tx.query('INSERT INTO effects (message_key) VALUES ($1)', ['business']);
      await enqueue(tx, [
        message(1, { tag: 'a', headers: { traceparent: '00-"1"' } }),
        message(2, { messageKey: 'NULL', shardingKey: '{"p", \\}' }),
      ]);
    });
    const failing = client.transaction(async (tx) => {
      await enqueue(tx, [message(3)], { lockKeys: true });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(
      await rows('SELECT message_key, sharding_key, tag, payload, headers, status FROM outbox ORDER BY id'),
    ).toEqual([
      expect.objectContaining({ message_key: 'k-1', tag: 'a', headers: { traceparent: '00-"1"' } }),
      {
        message_key: 'NULL',
        sharding_key: '{"p", \\}',
        tag: null,
        payload: message(2).payload,
        headers: null,
        status: 0,
      },
    ]);
    expect(await rows('SELECT message_key FROM effects')).toEqual([{ message_key: 'business' }]);
  });

  it('carries messages from enqueue over relay and inbox to their effects, failures included', async () => {
    const broker = new RecordingBroker();
    broker.decide = ({ messageKey, attempt }) =>
      messageKey === 'k-7' ? 'rejected' : messageKey === 'k-5' && attempt === 1 ? 'retry' : 'sent';
    const inbox = new Inbox({
      database: client.database,
      consumerGroup: 'statement',
      pollMs: 20,
      retry: { initialMs: 10 },
      handlers: {
        '*': async (tx, { messageKey }, { attempt }) => {
          await tx.query('INSERT INTO effects (message_key) VALUES ($1)', [messageKey]);
          if (messageKey === 'k-4' && attempt === 1) await tx.query('SELECT 1 / 0');
        },
      },
    });
    const relay = new Relay({
      database: client.database,
      publisher: broker.publisher(),
      pollMs: 20,
      retry: { initialMs: 10 },
    });
    running = [relay, inbox];
    await relay.start();
    await client.database.transaction((tx) =>
      enqueue(
        tx,
        Array.from({ length: 30 }, (_, i) => message(i)),
      ),
    );
    relay.kick();
    await eventually(async () => (await readBacklog(client.database)).outbox.pending === 0);
    expect(await rows(`SELECT status, count(*)::int AS count FROM outbox GROUP BY 1 ORDER BY 1`)).toEqual([
      { status: 1, count: 29 },
      { status: 2, count: 1 },
    ]);
    expect(
      await rows(`SELECT attempts, message_id IS NOT NULL AS known, queue_offset::int > 0 AS placed
                  FROM outbox WHERE message_key = 'k-5'`),
    ).toEqual([{ attempts: 2, known: true, placed: true }]);

    const received = broker.log.map(({ by: _by, ...sent }) => sent);
    expect(await inbox.receive([...received, ...received.slice(0, 3)])).toMatchObject({
      applied: 21,
      deferred: 8,
      duplicates: 3,
    });
    inbox.start();
    await eventually(async () => (await rows('SELECT FROM effects')).length === 29);
    const order = (await rows('SELECT message_key FROM effects ORDER BY id')) as { message_key: string }[];
    const ofKey = order.map((row) => Number(row.message_key.slice(2))).filter((i) => i % 3 === 1);
    expect(ofKey).toEqual([1, 4, 10, 13, 16, 19, 22, 25, 28]);
  });

  it('wakes a relay by a notification, where it can listen', async () => {
    if (client.database.listen === undefined) {
      // Polling then, and the relay does not complain of it.
      expect(name).toBe('TypeORM');
      return;
    }
    const heard: string[] = [];
    const subscription = await client.database.listen('Some channel', (payload) => heard.push(payload));
    await subscription.check();
    await client.database.query(`SELECT pg_notify('Some channel', $1)`, ['now']);
    await eventually(() => heard.length === 1);
    expect(heard).toEqual(['now']);
    subscription.close();
  });

  it('does not take a failed statement that was kept quiet for a commit', async () => {
    const quiet = client.database.transaction(async (tx) => {
      await enqueue(tx, [message(1)]);
      await tx.query('SELECT 1 / 0').catch(() => {});
    });
    await expect(quiet).rejects.toThrow();
    expect(await rows('SELECT message_key FROM outbox')).toEqual([]);
  });
});

describe.each(survivesCuts)('on %s', (_name, open) => {
  it('tells a transaction that was cut, and leaves nothing of it', async () => {
    const test = await createTestDatabase();
    const client = await open(placeOf(test));
    const { database } = client;
    try {
      await migrate(database);
      const message = { topic: 'dt_settle', messageKey: 'k', shardingKey: 'p', payload: {} };
      const cut = database.transaction(async (tx) => {
        await enqueue(tx, [message]);
        const [own] = (await tx.query('SELECT pg_backend_pid() AS pid')).rows as { pid: number }[];
        await database.query('SELECT pg_terminate_backend($1::int)', [own?.pid]);
        await enqueue(tx, [message]);
      });
      await expect(cut).rejects.toThrow();
      expect((await database.query('SELECT FROM outbox')).rows).toEqual([]);
    } finally {
      await client.close();
      await test.drop();
    }
  });
});

describe('fromTypeOrm', () => {
  it('refuses a manager outside a transaction', () => {
    expect(() => fromTypeOrm({ queryRunner: undefined })).toThrow(
      'fromTypeOrm: manager.queryRunner has no method query()',
    );
  });
});
