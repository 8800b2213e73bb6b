import { createTestDatabase, type TestDatabase } from '@dt/testkit';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOnlyQuery } from '../../src/operations/read-only-query.ts';

let database: TestDatabase;

async function tell(statement: string): Promise<unknown[][]> {
  const client = new Client(database.connection);
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: statement, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  database = await createTestDatabase();
  await tell('CREATE TABLE things (id bigint PRIMARY KEY, name text)');
  await tell("INSERT INTO things VALUES (1, 'one'), (9007199254740993, NULL)");
  await tell('CREATE SEQUENCE numbers');
});
afterAll(() => database.drop());

const ask = (statement: string) => readOnlyQuery(database.connection, statement);

describe('a question', () => {
  it('is answered with the text of each value, numbers in full', async () => {
    const table = await ask('SELECT id, name FROM things ORDER BY id');
    expect(table.columns).toEqual([
      { name: 'id', numeric: true },
      { name: 'name', numeric: false },
    ]);
    expect(table.rows).toEqual([
      ['1', 'one'],
      ['9007199254740993', null],
    ]);
  });

  it.each([
    'TABLE things',
    'values (1)',
    'WITH t AS (SELECT 1) SELECT * FROM t',
    'SHOW server_version',
    'EXPLAIN TABLE things',
    '-- why\n/* and */ (SELECT 1)',
  ])('may begin as in: %s', async (statement) => {
    await expect(ask(statement)).resolves.toBeDefined();
  });

  it('that is wrong gets the database’s own words', async () => {
    await expect(ask('SELECT * FROM nothing_here')).rejects.toThrow('relation "nothing_here" does not exist');
  });
});

describe('anything that writes', () => {
  it.each([
    'DELETE FROM things',
    'INSERT INTO things VALUES (3)',
    'DROP TABLE things',
    'COMMIT',
    'BEGIN',
    'SET ROLE postgres',
    'VACUUM',
    "COPY things TO '/tmp/out'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    'DO $$ BEGIN DELETE FROM things; END $$',
    '',
  ])('is refused before it reaches the database: %s', async (statement) => {
    await expect(ask(statement)).rejects.toMatchObject({ name: 'ReadOnlyError' });
  });

  it.each([
    'WITH gone AS (DELETE FROM things RETURNING 1) SELECT * FROM gone',
    "SELECT nextval('numbers')",
    "SELECT setval('numbers', 7)",
    'EXPLAIN ANALYZE DELETE FROM things',
    "SELECT pg_read_file('/etc/passwd')",
    'SELECT * INTO copied FROM things',
    'SELECT * FROM things FOR UPDATE',
    "SELECT set_config('transaction_read_only', 'off', false), lo_create(0)",
  ])('is refused by the database where it hides: %s', async (statement) => {
    await expect(ask(statement)).rejects.toThrow();
  });

  it('cannot be appended to a question', async () => {
    await expect(ask('SELECT 1; DELETE FROM things')).rejects.toThrow('multiple commands');
    await expect(ask('SELECT 1; COMMIT; DELETE FROM things')).rejects.toThrow('multiple commands');
  });

  it('leaves everything as it was', async () => {
    expect(await tell('SELECT count(*)::int FROM things')).toEqual([[2]]);
    expect(await tell('SELECT is_called FROM numbers')).toEqual([[false]]);
  });
});
