import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { awaitDelivery, type DeliveryReport, isDelivered, outboxMark } from '../../src/play/index.ts';
import { type OpenedDatabase, openDatabase } from '../database/open-database.ts';

let opened: OpenedDatabase;
let mark: string;
beforeAll(async () => {
  opened = await openDatabase();
});
afterAll(() => opened.close());
beforeEach(async () => {
  await opened.database.query('TRUNCATE inbox');
  mark = await outboxMark(opened.database);
});

async function settled(billNo: string, outboxStatus: number): Promise<void> {
  await opened.database.query(
    `INSERT INTO outbox (topic, tag, message_key, sharding_key, payload, status)
     VALUES ('t', 'order_settled', $1, 'p', '{}', $2)`,
    [`${billNo}:1:order_settled`, outboxStatus],
  );
}

async function received(billNo: string, inboxStatus: number): Promise<void> {
  await opened.database.query(
    `INSERT INTO inbox (consumer_group, topic, tag, message_key, sharding_key, payload, status)
     VALUES ('group', 't', 'order_settled', $1, 'p', '{}', $2)`,
    [`${billNo}:1:order_settled`, inboxStatus],
  );
}

const look = (billNos: string[], timeoutMs = 0): Promise<DeliveryReport> =>
  awaitDelivery({ database: opened.database, consumerGroup: 'group', billNos, mark, timeoutMs });

it('is good when every order has its one row sent and its one row applied', async () => {
  for (const billNo of ['A', 'B']) {
    await settled(billNo, 1);
    await received(billNo, 1);
  }
  const report = await look(['A', 'B']);
  expect(report).toMatchObject({
    orders: 2,
    outboxSent: 2,
    inboxApplied: 2,
    doubled: 0,
    dead: 0,
    missing: [],
  });
  expect(isDelivered(report)).toBe(true);
  expect(isDelivered(await look([]))).toBe(true);
});

it.each([
  ['no row at all', {}, { outboxSent: 0, inboxApplied: 0 }],
  ['a row that waits', { outbox: 0 }, { outboxSent: 0, inboxApplied: 0 }],
  ['a sent row that was not received', { outbox: 1 }, { outboxSent: 1, inboxApplied: 0 }],
  ['a received row that is not applied', { outbox: 1, inbox: 0 }, { outboxSent: 1, inboxApplied: 0 }],
  ['a row given up by the relay', { outbox: 2 }, { outboxSent: 0, inboxApplied: 0, dead: 1 }],
  ['a row given up by the inbox', { outbox: 1, inbox: 2 }, { outboxSent: 1, inboxApplied: 0, dead: 1 }],
])('is not good with %s', async (_, rows: { outbox?: number; inbox?: number }, expected) => {
  if (rows.outbox !== undefined) await settled('C', rows.outbox);
  if (rows.inbox !== undefined) await received('C', rows.inbox);
  const report = await look(['C']);
  expect(report).toMatchObject({ ...expected, missing: ['C'] });
  expect(isDelivered(report)).toBe(false);
});

it('is not good with two settlements of one order', async () => {
  await settled('D', 1);
  await settled('D', 1);
  await received('D', 1);
  const report = await look(['D']);
  expect(report).toMatchObject({ doubled: 1, outboxSent: 0 });
  expect(isDelivered(report)).toBe(false);
});

it('waits until the last order is through', async () => {
  await settled('E', 1);
  await received('E', 1);
  const waiting = look(['E', 'F'], 20_000);
  await settled('F', 1);
  await received('F', 1);
  expect(isDelivered(await waiting)).toBe(true);
});

it('goes on when the database is away for a moment, and says what the statement did wrong', async () => {
  let calls = 0;
  const database = {
    query: (text: string, values: readonly unknown[]) =>
      ++calls === 1
        ? Promise.reject(new Error('Connection terminated'))
        : opened.database.query(text, values),
  };
  await settled('G', 1);
  await received('G', 1);
  expect(
    isDelivered(
      await awaitDelivery({ database, consumerGroup: 'group', billNos: ['G'], mark, timeoutMs: 5_000 }),
    ),
  ).toBe(true);
  const started = performance.now();
  await expect(
    awaitDelivery({
      database: opened.database,
      consumerGroup: 'group',
      billNos: ['G'],
      mark: 'x',
      timeoutMs: 5_000,
    }),
  ).rejects.toThrow(/bigint/);
  expect(performance.now() - started).toBeLessThan(4_000);
});
