import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, type Program } from '@dt/testkit';
import { type Database, enqueue, Notifier, Relay } from '../../src/index.ts';
import { RecordingBroker } from '../../src/testing/index.ts';
import { compile, type Compiled } from '../support/compile.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';
import { createBrokerLog, relayStarter } from '../support/kill-loop.ts';

// No row is found by polling within the time that these tests wait.
const POLL_MS = 60_000;

let schema: TestSchema;
let compiled: Compiled;
let opened: { close(): Promise<void> }[] = [];
let programs: Program[] = [];

beforeAll(async () => {
  [schema, compiled] = await Promise.all([createTestSchema(), compile()]);
});
afterAll(async () => {
  await Promise.all([schema.drop(), compiled.remove()]);
});
beforeEach(() => schema.reset());
afterEach(async () => {
  await Promise.all([...opened.map((part) => part.close()), ...programs.map((program) => program.kill())]);
  opened = [];
  programs = [];
});

async function startRelay(broker: RecordingBroker): Promise<Relay> {
  const relay = new Relay({
    database: schema.database,
    publisher: broker.publisher(),
    pollMs: POLL_MS,
    leaseMs: 1200,
  });
  opened.push(relay);
  await relay.start();
  return relay;
}

function startNotifier(): Notifier {
  const notifier = new Notifier({ database: schema.database });
  opened.push(notifier);
  return notifier;
}

let written = 0;

/** One message of each of 200 sharding keys: rows in practically every lane. */
async function write(): Promise<void> {
  const list = Array.from({ length: 200 }, (_, i) => ({
    topic: 't',
    messageKey: `m-${written++}`,
    shardingKey: `key-${i}`,
    payload: {},
  }));
  await schema.database.transaction((tx) => enqueue(tx, list));
}

const count = async (sql: string): Promise<number> => {
  const { rows } = await schema.pool.query<{ count: number }>(`SELECT count(*)::int AS count ${sql}`);
  return rows[0]?.count ?? -1;
};
const LISTENERS = `FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`;
const listening = (): Promise<number> => count(LISTENERS);
const allSent = (): Promise<unknown> =>
  eventually(async () => (await count('FROM outbox WHERE status = 0')) === 0, { timeoutMs: 5000 });

/** Waits until lanes and listening connections stand, so that nothing but a wake-up is left to find a row. */
const settled = (relays: number): Promise<unknown> =>
  eventually(
    async () =>
      (await listening()) === relays &&
      (await count(`FROM (SELECT count(*) FROM outbox_lanes WHERE owner IS NOT NULL GROUP BY owner
                          HAVING count(*) = ${64 / relays}) AS fair`)) === relays,
    { timeoutMs: 10_000 },
  );

describe('wake-ups between processes', () => {
  it('a process without a relay wakes one of another process', async () => {
    await createBrokerLog(schema);
    programs.push(await relayStarter(compiled, schema)({ POLL_MS: String(POLL_MS) }));
    await settled(1);
    const notifier = startNotifier();
    for (let i = 0; i < 3; i++) {
      await write();
      notifier.committed();
      await allSent();
    }
  });

  it('a kick wakes the other relays, too', async () => {
    const broker = new RecordingBroker();
    const one = await startRelay(broker);
    const two = await startRelay(broker);
    await settled(2);
    await eventually(() => one.stats().relays === 2 && two.stats().relays === 2);
    for (const relay of [one, two]) {
      await write();
      relay.kick();
      await allSent();
    }
  });

  it('listens again after its connection was cut', async () => {
    await startRelay(new RecordingBroker());
    await settled(1);
    await schema.pool.query(`SELECT pg_terminate_backend(pid) ${LISTENERS}`);
    await eventually(async () => (await listening()) === 1);
    await write();
    startNotifier().committed();
    await allSent();
  });

  it('works by polling alone where the database cannot listen, and keeps no connection after the close', async () => {
    const deaf: Database = {
      query: (text, values) => schema.database.query(text, values),
      transaction: (work) => schema.database.transaction(work),
    };
    const broker = new RecordingBroker();
    const relay = new Relay({ database: deaf, publisher: broker.publisher(), pollMs: 50 });
    opened.push(relay);
    await relay.start();
    await write();
    await allSent();
    expect(await listening()).toBe(0);
    const listener = await startRelay(broker);
    await eventually(async () => (await listening()) === 1);
    await listener.close();
    await eventually(async () => (await listening()) === 0);
  });
});
