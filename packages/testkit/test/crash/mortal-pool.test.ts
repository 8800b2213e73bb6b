import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  createTestDatabase,
  DeadError,
  eventually,
  Incarnation,
  type Moment,
  type MortalClient,
  mortalPool,
  type TestDatabase,
} from '../../src/index.ts';

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ ...database.connection, max: 4 });
  pool.on('error', () => {});
  await pool.query('CREATE TABLE t (i int)');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  await pool.query('TRUNCATE t');
});

it.each<[Moment, number]>([
  ['before', 0],
  ['after', 1],
])('dies %s the commit, and the table holds %i rows', async (moment, rows) => {
  let cuts = 0;
  const mortal = mortalPool({
    pool,
    incarnation: new Incarnation({ death: { step: 'commit', moment, hit: 1 } }),
    stepOf: (text) => (text === 'COMMIT' ? ('commit' as const) : undefined),
    onCut: () => {
      cuts += 1;
    },
  });
  const client = await new Promise<MortalClient>((resolve, reject) => {
    mortal.connect((error, granted) => {
      if (granted === undefined) reject(error ?? new Error('no connection'));
      else resolve(granted);
    });
  });
  await client.query('BEGIN');
  await client.query('INSERT INTO t VALUES (1)');
  await expect(client.query('COMMIT')).rejects.toThrow(DeadError);
  client.release();
  expect(cuts).toBe(1);
  await eventually(async () => {
    const open = await pool.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'`,
    );
    return open.rows.length === 0;
  });
  expect((await pool.query('SELECT * FROM t')).rows).toHaveLength(rows);
  await expect(mortal.query('SELECT 1')).rejects.toThrow(DeadError);
});
