import { expect, it } from 'vitest';
import { enqueue, fromPgPool, Inbox, migrate, type OutboxMessage } from '../../src/index.ts';
import { beginSql, claimSql, markSentSql } from '../../src/relay/relay.sql.ts';
import { LANE_COUNT, tablesOf } from '../../src/schema/tables.ts';
import { createTestDatabase } from '@dt/testkit';
import pg from 'pg';

const LANES = Array.from({ length: LANE_COUNT }, (_, lane) => lane);

const messages = (count: number, name: string): OutboxMessage[] =>
  Array.from({ length: count }, (_, i) => ({
    topic: 't',
    messageKey: `${name}-${i}`,
    shardingKey: `key-${i % 100}`,
    payload: { n: i },
  }));

it('what a batch costs does not grow with the tables, also by plans made while they were empty', async () => {
  const test = await createTestDatabase();
  // One connection, which keeps its plans.
  const pool = new pg.Pool({ ...test.connection, max: 1 });
  const database = fromPgPool(pool);
  try {
    await migrate(database);
    // No statistics come to the help of a plan. What is known to be empty is read as a whole most cheaply.
    await pool.query(`ALTER TABLE outbox SET (autovacuum_enabled = false);
      ALTER TABLE inbox SET (autovacuum_enabled = false); ALTER TABLE outbox_flights SET (autovacuum_enabled = false)`);
    for (const table of ['outbox', 'inbox', 'outbox_flights']) await pool.query(`VACUUM ANALYZE ${table}`);
    const tables = tablesOf();
    const inbox = new Inbox({ database, consumerGroup: 'g', handlers: {} });
    const batch = async (name: string): Promise<number> => {
      await enqueue(database, messages(5, name));
      const values = [LANES, LANES.map(() => 0), 5, 65_536, []];
      const { rows } = await pool.query<{ id: string }>(claimSql(tables), values);
      const ids = rows.slice(0, 5).map((row) => Number(row.id));
      const fence = [LANES, LANES.map(() => 0)];
      const begun = await pool.query<{ flight: string }>(beginSql(tables), [...fence, 'session', ids]);
      const sent = [...fence, begun.rows[0]?.flight, ids, ids.map(String), ids];
      const marked = await pool.query<{ marked: number }>(markSentSql(tables), sent);
      await inbox.receive(
        messages(5, name).map((message) => ({ ...message, body: Buffer.from('{}'), tag: undefined })),
      );
      return marked.rows[0]?.marked ?? 0;
    };
    const read = async (): Promise<{ scans: number; entries: number }> => {
      await pool.query('SELECT pg_stat_force_next_flush()');
      const { rows } = await pool.query<{ scans: number; entries: number }>(
        `SELECT (SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname IN ('outbox', 'inbox'))::int AS scans,
           (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname IN ('outbox', 'inbox'))::int AS entries`,
      );
      return rows[0] as { scans: number; entries: number };
    };
    // More often than PostgreSQL plans anew.
    for (let i = 0; i < 10; i++) expect(await batch(`first-${i}`)).toBe(5);
    await enqueue(database, messages(20_000, 'many'));
    const before = await read();
    for (let i = 0; i < 10; i++) expect(await batch(`later-${i}`)).toBe(5);
    const after = await read();
    expect(after.scans).toBe(before.scans);
    // Five rows of each lane are read in each claim.
    expect(after.entries - before.entries).toBeLessThan(10 * 400);
  } finally {
    await pool.end();
    await test.drop();
  }
});
