import { readdir } from 'node:fs/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '@dt/testkit';
import { type Database, fromPgPool, migrate } from '../../src/index.ts';

let test: TestDatabase;
let pool: pg.Pool;
let database: Database;

beforeEach(async () => {
  test = await createTestDatabase();
  pool = new pg.Pool(test.connection);
  // The drop of the database may meet a connection that is still being closed.
  pool.on('error', () => {});
  database = fromPgPool(pool);
});
afterEach(async () => {
  await pool.end();
  await test.drop();
});

const all = (await readdir(new URL('../../migrations', import.meta.url))).sort();

describe('migrate', () => {
  it('makes the tables once, also when instances start together', async () => {
    const reports = await Promise.all(Array.from({ length: 5 }, () => migrate(database)));
    expect(reports.map((report) => report.applied.length).sort()).toEqual([0, 0, 0, 0, all.length]);
    const { rows } = await pool.query('SELECT name FROM outbox_migrations ORDER BY version');
    expect(rows).toEqual(all.map((name) => ({ name })));
  });

  it('makes the schema it is given, and leaves the search path of the connection alone', async () => {
    expect(await migrate(database, { schema: 'events' })).toEqual({ applied: all });
    const { rows } = await pool.query(
      `SELECT to_regclass('events.outbox') IS NOT NULL AS made, to_regclass('outbox') AS other`,
    );
    expect(rows).toEqual([{ made: true, other: null }]);
  });

  it('refuses a migration whose text has changed', async () => {
    await migrate(database);
    await pool.query(`UPDATE outbox_migrations SET checksum = 'other' WHERE version = 2`);
    await expect(migrate(database)).rejects.toMatchObject({
      code: 'migration-changed',
      message: expect.stringMatching(
        /^migration 0002_inbox.sql was applied to schema public with checksum other/,
      ) as string,
    });
  });

  it('leaves migrations of a newer version alone', async () => {
    await migrate(database);
    await pool.query(
      `INSERT INTO outbox_migrations (version, name, checksum) VALUES (9999, '9999_later.sql', 'x')`,
    );
    expect(await migrate(database)).toEqual({ applied: [] });
  });

  it('leaves nothing behind when it fails in the middle', async () => {
    await pool.query('CREATE TABLE inbox (a int)');
    await expect(migrate(database)).rejects.toThrow('already exists');
    const { rows } = await pool.query(`SELECT to_regclass('outbox') AS made`);
    expect(rows).toEqual([{ made: null }]);
  });

  it('explains the statuses in the database itself', async () => {
    await migrate(database);
    const { rows } = await pool.query<{ text: string }>(
      `SELECT col_description(c.oid, a.attnum) AS text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
       WHERE c.relname IN ('outbox', 'inbox') AND a.attname = 'status'`,
    );
    expect(rows.map(({ text }) => /^0 pending .*1 done .*2 dead /.test(text))).toEqual([true, true]);
  });
});
