import { eventually } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, DatabaseError, type Database } from '../../src/database/index.ts';
import { openDatabase } from './open-database.ts';

let opened: Awaited<ReturnType<typeof openDatabase>>;
let database: Database;
beforeAll(async () => {
  opened = await openDatabase();
  database = opened.database;
  await database.query('CREATE TABLE things (id integer PRIMARY KEY, value integer NOT NULL)');
  await database.query('INSERT INTO things VALUES (1, 0), (2, 0)');
});
afterAll(() => opened.close());

const valueOf = async (id: number): Promise<unknown> =>
  (await database.query<{ value: number }>('SELECT value FROM things WHERE id = $1', [id])).rows[0]?.value;

describe('database', () => {
  it('gives bigint and numeric as text and times as Date, so that no amount passes through a float', async () => {
    const { rows } = await database.query(
      `SELECT 9007199254740993::bigint AS big, 0.1::numeric AS numeric, to_timestamp(1767225600.123) AS time`,
    );
    expect(rows[0]).toEqual({ big: '9007199254740993', numeric: '0.1', time: new Date(1767225600123) });
  });

  it('names itself and bounds statements, locks and idle transactions', async () => {
    const { rows } = await database.query(
      `SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS statement,
              current_setting('lock_timeout') AS lock, current_setting('idle_in_transaction_session_timeout') AS idle`,
    );
    expect(rows[0]).toEqual({ name: 'dt-server', statement: '15s', lock: '10s', idle: '15s' });
  });

  it.each([
    [{ maxConnections: 0 }, 'maxConnections is 0'],
    [{ statementTimeoutMs: 1.5 }, 'statementTimeoutMs is 1.5'],
  ])('refuses options %j', (wrong, message) => {
    const create = (): unknown => createDatabase({ connectionString: 'postgres://nowhere', ...wrong });
    expect(create).toThrow(DatabaseError);
    expect(create).toThrow(message);
    expect(() => createDatabase({})).toThrow('connectionString or connection is needed');
  });
});

describe('transaction', () => {
  it('commits what the work did, and rolls back what it threw out of', async () => {
    await database.transaction((tx) => tx.query('UPDATE things SET value = 1 WHERE id = 1'));
    expect(await valueOf(1)).toBe(1);
    await expect(
      database.transaction(async (tx) => {
        await tx.query('UPDATE things SET value = 2 WHERE id = 1');
        throw new RangeError('no');
      }),
    ).rejects.toThrow(RangeError);
    expect(await valueOf(1)).toBe(1);
  });

  it('applies its settings to itself alone', async () => {
    const setting = `SELECT current_setting('enable_seqscan') AS value`;
    const inside = await database.transaction((tx) => tx.query(setting), {
      settings: { enable_seqscan: 'off' },
    });
    expect(inside.rows).toEqual([{ value: 'off' }]);
    expect((await database.query(setting)).rows).toEqual([{ value: 'on' }]);
  });

  it('runs again after a deadlock until both have done their work', async () => {
    let runs = 0;
    // Each waits after its first row until the other has its own, so that the first meeting is a deadlock for sure.
    let arrive = (): void => undefined;
    const both = new Promise<void>((resolve) => (arrive = resolve));
    let holders = 0;
    const swap = (first: number, second: number): Promise<void> =>
      database.transaction(async (tx) => {
        runs += 1;
        await tx.query('UPDATE things SET value = value + 10 WHERE id = $1', [first]);
        if ((holders += 1) === 2) arrive();
        await both;
        await tx.query('UPDATE things SET value = value + 10 WHERE id = $1', [second]);
      });
    const before = [await valueOf(1), await valueOf(2)].map(Number);
    await Promise.all([swap(1, 2), swap(2, 1)]);
    expect(runs).toBeGreaterThanOrEqual(3);
    expect([await valueOf(1), await valueOf(2)]).toEqual(before.map((value) => value + 20));
  });

  it('gives up after its attempts, and never repeats on another error', async () => {
    const failing = async (state: string): Promise<number> => {
      let runs = 0;
      await expect(
        database.transaction(
          async (tx) => {
            runs += 1;
            await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = '${state}'; END $$`);
          },
          { maxAttempts: 3 },
        ),
      ).rejects.toMatchObject({ code: state });
      return runs;
    };
    expect(await failing('40001')).toBe(3);
    expect(await failing('40P01')).toBe(3);
    expect(await failing('23505')).toBe(1);
    expect(await failing('57014')).toBe(1);
  });

  it('survives connections that are ended while they idle, work and sit in a transaction', async () => {
    const errors: Error[] = [];
    const own = createDatabase({
      connectionString: opened.connectionString,
      maxConnections: 2,
      applicationName: 'ended',
      onConnectionError: (error) => errors.push(error),
    });
    const end = (): Promise<unknown> =>
      database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended'`,
      );
    await own.query('SELECT 1');
    await end();
    await eventually(() => errors.length > 0);
    expect((await own.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await expect(
      own.transaction(async (tx) => {
        await tx.query('UPDATE things SET value = 777 WHERE id = 1');
        await end();
        await tx.query('SELECT 1');
      }),
    ).rejects.toThrow();
    const endAtWork = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE application_name = 'ended' AND state = 'active'`;
    const ended = eventually(async () => (await database.query(endAtWork)).rows.length > 0);
    await expect(own.query('SELECT pg_sleep(60)')).rejects.toThrow();
    await ended;
    expect(await valueOf(1)).not.toBe(777);
    expect((await own.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await own.close();
  });

  it('sends queries that are started together in their order, and loses all of them with the first', async () => {
    const results = await database.transaction((tx) =>
      Promise.all([
        tx.query('UPDATE things SET value = 5 WHERE id = 2'),
        tx.query<{ value: number }>('SELECT value FROM things WHERE id = 2'),
      ]),
    );
    expect(results[1].rows).toEqual([{ value: 5 }]);
    await expect(
      database.transaction((tx) =>
        Promise.all([
          tx.query('INSERT INTO things VALUES (1, 1)'),
          tx.query('UPDATE things SET value = 6 WHERE id = 2'),
        ]),
      ),
    ).rejects.toMatchObject({ code: '23505' });
    expect(await valueOf(2)).toBe(5);
  });

  it('can run a named statement again that was lost behind a failure', async () => {
    const own = createDatabase({ connectionString: opened.connectionString, maxConnections: 1 });
    const named = { name: 'behind', text: 'SELECT value FROM things WHERE id = $1' };
    await expect(
      own.transaction((tx) =>
        Promise.all([tx.query('INSERT INTO things VALUES (1, 1)'), tx.query(named, [2])]),
      ),
    ).rejects.toMatchObject({ code: '23505' });
    expect((await own.query(named, [2])).rows).toEqual([{ value: 5 }]);
    await own.close();
  });

  it('gives up a connection on which nothing comes back', async () => {
    const own = createDatabase({
      connectionString: opened.connectionString,
      maxConnections: 1,
      answerTimeoutMs: 200,
    });
    await expect(own.query('SELECT pg_sleep(30)')).rejects.toThrow('timeout');
    expect((await own.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await own.close();
  });
});
