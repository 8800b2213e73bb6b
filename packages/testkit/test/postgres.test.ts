import pg from 'pg';
import { afterAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../src/postgres.ts';

const databases: TestDatabase[] = [];
async function create(...args: Parameters<typeof createTestDatabase>): Promise<TestDatabase> {
  const database = await createTestDatabase(...args);
  databases.push(database);
  return database;
}
afterAll(async () => {
  await Promise.all(databases.map((database) => database.drop()));
});

async function query(database: TestDatabase, text: string): Promise<unknown[]> {
  const client = new pg.Client(database.connection);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

it('gives every caller a database of its own', async () => {
  const [one, two] = await Promise.all([create(), create()]);
  await query(one, 'CREATE TABLE t (id int)');
  await expect(query(two, 'SELECT * FROM t')).rejects.toMatchObject({ code: '42P01' });
});

it('prepares a template once, however many ask for it at once', async () => {
  let runs = 0;
  const prepare = async (connectionString: string): Promise<void> => {
    runs += 1;
    const client = new pg.Client({ connectionString });
    await client.connect();
    await client.query('CREATE TABLE schema_of_the_test (id int); INSERT INTO schema_of_the_test VALUES (7)');
    await client.end();
  };
  const templateKey = 'prepares a template once';
  const all = await Promise.all(Array.from({ length: 4 }, () => create({ prepare, templateKey })));
  expect(runs).toBe(1);
  for (const database of all)
    expect(await query(database, 'SELECT id FROM schema_of_the_test')).toEqual([{ id: 7 }]);
});

it('clones nothing from a preparation that failed, and tries it again', async () => {
  const templateKey = 'fails at first';
  const failing = async (): Promise<void> => {
    throw new Error('no schema today');
  };
  await expect(create({ prepare: failing, templateKey })).rejects.toThrow('no schema today');
  const database = await create({ prepare: async () => {}, templateKey });
  expect(await query(database, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

it('drops a database that is still in use', async () => {
  const database = await createTestDatabase();
  const client = new pg.Client(database.connection);
  const ended = new Promise<void>((resolve) => client.on('error', () => resolve()));
  await client.connect();
  await database.drop();
  await ended;
  await expect(query(database, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' });
});
