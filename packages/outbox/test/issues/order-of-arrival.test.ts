// A consumer draws the ids of its batch, and may then wait for another one's transaction: what that one stores meanwhile
// has greater ids, though it stands before in the queue.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import { Inbox, type ReceivedMessage } from '../../src/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

let schema: TestSchema;

beforeAll(async () => {
  schema = await createTestSchema();
});
afterAll(() => schema.drop());

const message = (messageKey: string, shardingKey: string): ReceivedMessage => ({
  topic: 't',
  messageKey,
  shardingKey,
  body: '{}',
});

it('tries a failed message before those of its key that another consumer had in hand already', async () => {
  const applied: string[] = [];
  const newInbox = (): Inbox =>
    new Inbox({
      database: schema.database,
      consumerGroup: 'statement',
      handlers: {
        '*': async (_tx, { messageKey }, { attempt }) => {
          if (messageKey === 'b' && attempt < 3) throw new Error('not now');
          applied.push(messageKey);
        },
      },
      pollMs: 10,
      retry: { initialMs: 1, maxMs: 1 },
    });
  const former = newInbox();
  const latter = newInbox();
  const holdsA = await schema.pool.connect();
  try {
    await holdsA.query('BEGIN');
    await holdsA.query(
      `INSERT INTO inbox (consumer_group, message_key, topic, sharding_key) VALUES ('statement', 'a', 't', 'other')`,
    );
    const all = latter.receive([message('a', 'other'), message('b', 'key'), message('c', 'key')]);
    await eventually(async () => {
      const { rows } = await schema.pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid'`,
      );
      return rows.length === 1;
    });
    expect(await former.receive([message('b', 'key')])).toMatchObject({ deferred: 1 });
    await holdsA.query('ROLLBACK');
    expect(await all).toMatchObject({ applied: 1, duplicates: 1, deferred: 1 });
  } finally {
    holdsA.release();
  }
  latter.start();
  await eventually(() => applied.includes('b') && applied.includes('c'));
  await Promise.all([former.close(), latter.close()]);
  expect(applied).toEqual(['a', 'b', 'c']);
});
