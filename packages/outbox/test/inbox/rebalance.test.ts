// Two consumers of a group have the same queue for a while when it changes hands: the old one is still at work on what
// the new one is given again.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import { type Handlers, Inbox, type Queryable, type ReceivedMessage } from '../../src/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

let schema: TestSchema;
let inboxes: Inbox[] = [];

beforeAll(async () => {
  schema = await createTestSchema();
  await schema.pool.query('CREATE TABLE effects (id bigserial, message_key text, sharding_key text)');
});
afterAll(() => schema.drop());
beforeEach(async () => {
  await schema.reset();
  await schema.pool.query('TRUNCATE effects');
});
afterEach(async () => {
  await Promise.all(inboxes.map((inbox) => inbox.close()));
  inboxes = [];
});

function newInbox(handler: (messageKey: string, attempt: number) => Promise<void> | void): Inbox {
  const handlers: Handlers = {
    '*': async (tx: Queryable, { messageKey, shardingKey }, { attempt }) => {
      await tx.query('INSERT INTO effects (message_key, sharding_key) VALUES ($1, $2)', [
        messageKey,
        shardingKey,
      ]);
      await handler(messageKey, attempt);
    },
  };
  const inbox = new Inbox({
    database: schema.database,
    consumerGroup: 'statement',
    handlers,
    pollMs: 10,
    retry: { initialMs: 5, maxMs: 20 },
  });
  inboxes.push(inbox);
  return inbox;
}

const message = (i: number, shardingKey = 'p1'): ReceivedMessage => ({
  topic: 'dt_settle',
  messageKey: `k-${i}`,
  shardingKey,
  body: '{}',
});

async function effects(): Promise<{ message_key: string; sharding_key: string }[]> {
  const { rows } = await schema.pool.query<{ message_key: string; sharding_key: string }>(
    'SELECT message_key, sharding_key FROM effects ORDER BY id',
  );
  return rows;
}

describe('a queue that changes hands', () => {
  it('lines its messages up behind one at which the former consumer is just failing', async () => {
    let fail = (): void => {};
    const gate = new Promise<void>((resolve) => {
      fail = resolve;
    });
    let calls = 0;
    const former = newInbox(async () => {
      calls += 1;
      // First with the whole batch, then alone, in the transaction that will keep it as failed.
      if (calls === 2) await gate;
      throw new Error('no such account');
    });
    const latter = newInbox(() => {});
    const first = former.receive([message(1)]);
    await eventually(() => calls === 2);
    const second = latter.receive([message(1), message(2), message(3, 'p2')]);
    await eventually(async () => {
      const { rows } = await schema.pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid'`,
      );
      return rows.length === 1;
    });
    fail();
    expect(await first).toMatchObject({ deferred: 1 });
    expect(await second).toMatchObject({ duplicates: 1, deferred: 1, applied: 1 });
    latter.start();
    await eventually(async () => (await effects()).length === 3);
    expect((await effects()).map((row) => row.message_key)).toEqual(['k-3', 'k-1', 'k-2']);
  });

  it('has each message applied once and in order, however often and in the middle of what it does so', async () => {
    const total = 240;
    const queue = Array.from({ length: total }, (_, i) => message(i, `p${i % 5}`));
    const failing = (_key: string, attempt: number): void => {
      if (attempt < 3 && Math.random() < 0.15) throw new Error('not now');
    };
    const consumers = [newInbox(failing), newInbox(failing), newInbox(failing)];
    for (const inbox of consumers) inbox.start();
    let committed = 0;
    const stillAtWork: Promise<void>[] = [];
    // An owner walks from the committed offset; told or not, it ends its batch after the queue has another owner.
    const own = async (inbox: Inbox, isOwner: () => boolean): Promise<void> => {
      let next = committed;
      while (isOwner() && next < total) {
        const until = Math.min(total, next + 1 + Math.floor(Math.random() * 8));
        await inbox.receive(queue.slice(next, until));
        next = until;
        committed = Math.max(committed, next);
      }
    };
    for (let turn = 0; committed < total; turn++) {
      let owner = true;
      stillAtWork.push(own(consumers[turn % consumers.length] as Inbox, () => owner));
      await sleep(Math.random() * 40);
      owner = false;
    }
    await Promise.all(stillAtWork);
    await eventually(async () => (await effects()).length >= total, { timeoutMs: 20_000 });
    const applied = await effects();
    expect(applied).toHaveLength(total);
    for (let key = 0; key < 5; key++) {
      const expected = queue.filter((m) => m.shardingKey === `p${key}`).map((m) => m.messageKey);
      expect(applied.filter((row) => row.sharding_key === `p${key}`).map((row) => row.message_key)).toEqual(
        expected,
      );
    }
  });
});
