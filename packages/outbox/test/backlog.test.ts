import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { enqueue, Inbox, readBacklog, Relay } from '../src/index.ts';
import { createTestSchema, type TestSchema } from './support/database.ts';
import { RecordingBroker } from '../src/testing/index.ts';

let schema: TestSchema;

beforeAll(async () => {
  schema = await createTestSchema();
});
afterAll(() => schema.drop());
beforeEach(() => schema.reset());

const message = (messageKey: string, shardingKey = messageKey) => ({
  topic: 't',
  messageKey,
  shardingKey,
  payload: {},
});

it('tells of an empty one', async () => {
  expect(await readBacklog(schema.database)).toEqual({
    outbox: {
      pending: 0,
      exact: true,
      oldestMs: 0,
      retrying: 0,
      dead: 0,
      sentLastMinute: 0,
      freeLanes: 64,
    },
    relays: [],
    inbox: [],
  });
});

it('tells what waits, for how long, what is dead, and who owns the lanes', async () => {
  const broker = new RecordingBroker();
  broker.decide = ({ messageKey }) =>
    messageKey === 'bad' ? 'rejected' : messageKey === 'good' ? 'sent' : 'retry';
  const relay = new Relay({ database: schema.database, publisher: broker.publisher(), instanceId: 'one' });
  const inbox = new Inbox({
    database: schema.database,
    consumerGroup: 'g',
    handlers: { '*': () => Promise.reject(new Error('no')) },
  });
  await schema.database.transaction((tx) =>
    enqueue(
      tx,
      ['stuck', 'bad', 'good'].map((key) => message(key)),
    ),
  );
  await schema.pool.query(
    `UPDATE outbox SET created_at = created_at - interval '1 hour' WHERE message_key = 'stuck'`,
  );
  await inbox.receive([
    { topic: 't', messageKey: 'k', body: '{}' },
    { topic: 't', messageKey: 'l', body: 'no json' },
  ]);
  await relay.start();
  await expect
    .poll(async () => (await readBacklog(schema.database)).outbox, { timeout: 10_000 })
    .toMatchObject({ pending: 1, exact: true, retrying: 1, dead: 1, sentLastMinute: 1, freeLanes: 0 });
  const backlog = await readBacklog(schema.database);
  expect(backlog.outbox.oldestMs).toBeGreaterThan(3_600_000);
  expect(backlog.outbox.oldestMs).toBeLessThan(3_700_000);
  expect(backlog.inbox).toMatchObject([{ consumerGroup: 'g', pending: 1, dead: 1 }]);
  expect(backlog.relays).toMatchObject([{ instance: 'one', lanes: 64, sentLastMinute: 1 }]);
  expect(backlog.relays[0]?.leaseMs).toBeGreaterThan(0);
  await relay.close();
  await inbox.close();
});

it('counts what it can and reckons the rest from some lanes', async () => {
  await schema.pool.query(
    `INSERT INTO outbox (topic, message_key, sharding_key, payload)
     SELECT 't', 'k' || i, 's' || i, '{}' FROM generate_series(1, 40000) AS i`,
  );
  const { pending, exact } = (await readBacklog(schema.database)).outbox;
  expect(exact).toBe(false);
  // Lanes differ by some percent, and so do samples of two.
  expect(pending).toBeGreaterThan(28_000);
  expect(pending).toBeLessThan(52_000);
});

it('counts to the end when a few sharding keys have it all', async () => {
  await schema.pool.query(
    `INSERT INTO outbox (topic, message_key, sharding_key, payload)
     SELECT 't', 'k' || i, 'one key', '{}' FROM generate_series(1, 5000) AS i`,
  );
  await schema.database.transaction((tx) => enqueue(tx, [message('x'), message('y'), message('z')]));
  expect((await readBacklog(schema.database)).outbox).toMatchObject({ pending: 5003, exact: true });
});
