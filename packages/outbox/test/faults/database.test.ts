import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { eventually } from '@dt/testkit';
import { expectWholeAfter, FaultyDatabase, POOL_SIZE } from '../support/faulty-database.ts';

let database: FaultyDatabase;

beforeAll(async () => {
  database = await FaultyDatabase.start();
});
afterAll(() => database[Symbol.asyncDispose]());
afterEach(() => {
  vi.useRealTimers();
});

const HOUR_MS = 3_600_000;

const faults: [string, () => Promise<void>][] = [
  [
    'connections that are reset, again and again',
    async () => {
      for (let i = 0; i < 8; i++) {
        database.proxy.cut();
        await pause(100);
      }
    },
  ],
  [
    'a server that refuses connections',
    async () => {
      await database.proxy.refuse();
      await pause(1500);
      await database.proxy.accept();
    },
  ],
  [
    'half-open connections: the server is gone and nobody says so',
    async () => {
      database.proxy.abandon();
      await pause(1000);
      database.proxy.abandon();
    },
  ],
  [
    'a black hole for longer than the lease',
    async () => {
      database.proxy.setMode('stall');
      await pause(2500);
      database.proxy.setMode('pass');
    },
  ],
  [
    'answers that are lost, of statements that were carried out',
    async () => {
      database.proxy.setMode('drop-answers');
      await pause(700);
      database.proxy.setMode('pass');
      database.proxy.cut();
    },
  ],
  [
    'a slow way there and back',
    async () => {
      database.proxy.setDelay(60);
      await pause(1500);
      database.proxy.setDelay(0);
    },
  ],
  [
    'a narrow way',
    async () => {
      database.proxy.setBandwidth(60_000);
      await pause(1500);
      database.proxy.setBandwidth(Infinity);
    },
  ],
  ['a restart of PostgreSQL', () => database.restart()],
  [
    'server processes that are ended',
    async () => {
      for (let i = 0; i < 5; i++) {
        await database.direct.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE '%INSERT INTO "public".outbox (%'`,
        );
        await pause(100);
      }
    },
  ],
  [
    'a pool whose connections others have all in hand',
    async () => {
      const taken = await Promise.all(Array.from({ length: POOL_SIZE * 2 }, () => takeConnection()));
      await pause(1500);
      for (const release of taken) release();
    },
  ],
];

/** Of the engine's pool; it waits its turn, and gives up as the engine does. */
async function takeConnection(): Promise<() => void> {
  try {
    const client = await database.engine.connect();
    return () => client.release();
  } catch {
    return () => {};
  }
}

it.each(faults)('comes through %s', async (_fault, bringAbout) => {
  await expectWholeAfter(database, bringAbout);
});

it('sends everything else while a transaction stays open, and its messages when it ends', async () => {
  const idle = await database.direct.connect();
  const { doubles } = await expectWholeAfter(database, async () => {
    await idle.query('BEGIN');
    await idle.query(`SELECT nextval('outbox_id_seq')`);
    await idle.query('LOCK TABLE outbox IN ROW EXCLUSIVE MODE');
    const sent = async (): Promise<number> => {
      const { rows } = await database.direct.query<{ sent: number }>(
        'SELECT count(*)::int AS sent FROM outbox WHERE status = 1',
      );
      return rows[0]?.sent ?? 0;
    };
    const before = await sent();
    await eventually(async () => (await sent()) > before + 100);
    await idle.query('ROLLBACK');
  });
  idle.release();
  expect(doubles).toBe(0);
});

it.each([7, -7])(
  'keeps its time by the database, with the clock of the process %i hours off',
  async (hours) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * HOUR_MS });
    const { doubles } = await expectWholeAfter(database, async () => {
      await pause(1500);
      const { rows } = await database.direct.query(
        "SELECT count(*)::int AS relays FROM outbox_relays WHERE expires_at BETWEEN now() AND now() + interval '2 s'",
      );
      expect(rows).toEqual([{ relays: 1 }]);
    });
    expect(doubles).toBe(0);
  },
);
