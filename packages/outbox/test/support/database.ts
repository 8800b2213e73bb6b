import pg from 'pg';
import { createTestDatabase } from '@dt/testkit';
import { type Database, fromPgPool, migrate } from '../../src/index.ts';

export interface TestSchema {
  readonly pool: pg.Pool;
  readonly database: Database;
  readonly connectionString: string;
  /** Removes all rows and forgets all relays. */
  reset(): Promise<void>;
  drop(): Promise<void>;
}

/** A migrated database of its own for a test file. */
export async function createTestSchema(poolSize = 24): Promise<TestSchema> {
  const test = await createTestDatabase({
    templateKey: 'outbox',
    prepare: async (connectionString) => {
      const pool = new pg.Pool({ connectionString, max: 1 });
      try {
        await migrate(fromPgPool(pool));
      } finally {
        await pool.end();
      }
    },
  });
  const pool = new pg.Pool({ ...test.connection, max: poolSize });
  // Tests kill backends; the pool replaces them.
  pool.on('error', () => {});
  return {
    pool,
    database: fromPgPool(pool),
    connectionString: test.connectionString,
    reset: async () => {
      await pool.query('TRUNCATE outbox, inbox, outbox_relays, outbox_flights, outbox_replays');
      await pool.query('UPDATE outbox_retention SET owner = NULL, expires_at = NULL, dropped_before = NULL');
      await pool.query('UPDATE outbox_lanes SET owner = NULL, floor = 0, epoch = epoch + 1');
    },
    drop: async () => {
      await pool.end();
      await test.drop();
    },
  };
}
