import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import {
  type Handlers,
  Inbox,
  type InboxOptions,
  type Queryable,
  type ReceivedMessage,
} from '../../src/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

let schema: TestSchema;
let inboxes: Inbox[] = [];

beforeAll(async () => {
  schema = await createTestSchema();
  await schema.pool.query(
    'CREATE TABLE effects (id bigserial, message_key text, sharding_key text, note text)',
  );
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

const effect = (tx: Queryable, messageKey: string, shardingKey: string, note = ''): Promise<unknown> =>
  tx.query('INSERT INTO effects (message_key, sharding_key, note) VALUES ($1, $2, $3)', [
    messageKey,
    shardingKey,
    note,
  ]);

const record: Handlers = {
  order_settled: (tx, message) => effect(tx, message.messageKey, message.shardingKey).then(() => {}),
};

function newInbox(handlers: Handlers = record, options: Partial<InboxOptions> = {}): Inbox {
  const inbox = new Inbox({
    database: schema.database,
    consumerGroup: 'statement',
    handlers,
    pollMs: 20,
    retry: { initialMs: 10, maxMs: 50 },
    ...options,
  });
  inboxes.push(inbox);
  return inbox;
}

function message(
  i: number | string,
  shardingKey = 'p1',
  more: Partial<ReceivedMessage> = {},
): ReceivedMessage {
  return {
    topic: 'dt_settle',
    tag: 'order_settled',
    messageKey: `k-${i}`,
    shardingKey,
    body: JSON.stringify({ i }),
    messageId: `broker-${i}`,
    ...more,
  };
}

async function effects(): Promise<string[]> {
  const { rows } = await schema.pool.query<{ message_key: string }>(
    'SELECT message_key FROM effects ORDER BY id',
  );
  return rows.map((row) => row.message_key);
}

async function row(messageKey: string): Promise<Record<string, unknown> | undefined> {
  const { rows } = await schema.pool.query<Record<string, unknown>>(
    'SELECT * FROM inbox WHERE message_key = $1',
    [messageKey],
  );
  return rows[0];
}

describe('Inbox', () => {
  it('applies a batch in one transaction and remembers it', async () => {
    const inbox = newInbox();
    const batch = await inbox.receive([
      message(1),
      message(2),
      message(3, 'p2', { headers: { traceparent: 't' } }),
    ]);
    expect(batch).toMatchObject({ received: 3, applied: 3, duplicates: 0, deferred: 0, dead: 0, unknown: 0 });
    expect(await effects()).toEqual(['k-1', 'k-2', 'k-3']);
    expect(await row('k-3')).toMatchObject({
      consumer_group: 'statement',
      topic: 'dt_settle',
      tag: 'order_settled',
      payload: { i: 3 },
      headers: { traceparent: 't' },
      message_id: 'broker-3',
      status: 1,
      body: null,
      processed_at: expect.any(Date) as Date,
    });
  });

  it('takes a message once, however often and in whatever company it is delivered', async () => {
    const inbox = newInbox();
    await inbox.receive([message(1), message(1), message(2)]);
    const again = await inbox.receive([message(2), message(1), message(3)]);
    expect(again).toMatchObject({ received: 3, applied: 1, duplicates: 2 });
    expect(await effects()).toEqual(['k-1', 'k-2', 'k-3']);
  });

  it('dedupes under concurrency, with batches that overlap in different orders', async () => {
    const inbox = newInbox();
    const all = Array.from({ length: 60 }, (_, i) => message(i, `p${i}`));
    await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        inbox.receive([...all.slice(n * 4), ...all.slice(0, n * 4)].sort(n % 2 ? () => 0 : () => -1)),
      ),
    );
    expect((await effects()).sort()).toEqual(all.map((m) => m.messageKey).sort());
    expect(inbox.stats()).toMatchObject({ received: 720, applied: 60, duplicates: 660, underWay: 0 });
  });

  it('lets each consumer group apply the message', async () => {
    await newInbox().receive([message(1)]);
    await newInbox(record, { consumerGroup: 'report' }).receive([message(1)]);
    expect(await effects()).toEqual(['k-1', 'k-1']);
  });

  it('keeps the order of a sharding key behind a handler that fails, and lets other keys pass', async () => {
    let broken = true;
    const inbox = newInbox({
      order_settled: async (tx, { messageKey, shardingKey }) => {
        await effect(tx, messageKey, shardingKey);
        if (messageKey === 'k-2' && broken) throw new Error('no such account');
      },
    });
    const batch = await inbox.receive([message(1), message(2), message(3), message(4, 'p2'), message(5)]);
    expect(batch).toMatchObject({ applied: 2, deferred: 3 });
    expect(await effects()).toEqual(['k-1', 'k-4']);
    expect(await row('k-2')).toMatchObject({
      status: 0,
      attempts: 1,
      last_error: 'no such account',
      next_attempt_at: expect.any(Date) as Date,
      processed_at: null,
    });
    expect(await row('k-3')).toMatchObject({ status: 0, attempts: 0, next_attempt_at: null });
    // A later batch lines up as well.
    expect(await inbox.receive([message(6), message(7, 'p2')])).toMatchObject({ applied: 1, deferred: 1 });
    inbox.start();
    await eventually(async () => Number((await row('k-2'))?.['attempts']) >= 3);
    broken = false;
    await eventually(async () => (await row('k-6'))?.['status'] === 1);
    expect(await effects()).toEqual(['k-1', 'k-4', 'k-7', 'k-2', 'k-3', 'k-5', 'k-6']);
    expect(inbox.stats()).toMatchObject({ retried: 4 });
  });

  it('gives a message up after the last attempt, and its key goes on', async () => {
    const inbox = newInbox(
      {
        order_settled: async (tx, { messageKey, shardingKey }, { attempt }) => {
          if (messageKey === 'k-1') throw new Error(`attempt ${attempt}`);
          await effect(tx, messageKey, shardingKey);
        },
      },
      { maxAttempts: 3 },
    );
    await inbox.receive([message(1), message(2)]);
    inbox.start();
    await eventually(async () => (await row('k-2'))?.['status'] === 1);
    expect(await row('k-1')).toMatchObject({ status: 2, attempts: 3, last_error: 'attempt 3' });
    expect(await effects()).toEqual(['k-2']);
  });

  it('hands a batch handler as many messages as their order allows', async () => {
    const calls: string[][] = [];
    const batch = (name: string) => ({
      batch: async (tx: Queryable, messages: readonly { messageKey: string; shardingKey: string }[]) => {
        calls.push([name, ...messages.map((m) => m.messageKey)]);
        for (const m of messages) await effect(tx, m.messageKey, m.shardingKey);
      },
    });
    const inbox = newInbox({ bet_placed: batch('bet'), order_settled: batch('settle') });
    await inbox.receive([
      message(1, 'p1', { tag: 'bet_placed' }),
      message(2, 'p1'),
      message(3, 'p2', { tag: 'bet_placed' }),
      message(4, 'p1', { tag: 'bet_placed' }),
      message(5, 'p2'),
    ]);
    expect(calls).toEqual([
      ['bet', 'k-1', 'k-3'],
      ['settle', 'k-2', 'k-5'],
      ['bet', 'k-4'],
    ]);
  });

  it('finds the one message that makes a batch handler fail', async () => {
    const inbox = newInbox({
      order_settled: {
        batch: async (tx, messages) => {
          for (const m of messages) {
            await effect(tx, m.messageKey, m.shardingKey);
            if (m.messageKey === 'k-70') await tx.query('SELECT 1 / 0');
          }
        },
      },
    });
    const batch = await inbox.receive(Array.from({ length: 200 }, (_, i) => message(i, `p${i}`)));
    expect(batch).toMatchObject({ applied: 199, deferred: 1 });
    expect(await row('k-70')).toMatchObject({ status: 0, attempts: 1, last_error: 'division by zero' });
    expect((await effects()).length).toBe(199);
  });

  it('does not take a swallowed failure for success', async () => {
    const inbox = newInbox({
      order_settled: async (tx, { messageKey, shardingKey }) => {
        await effect(tx, messageKey, shardingKey);
        if (messageKey === 'k-2') await tx.query('SELECT 1 / 0').catch(() => {});
      },
    });
    expect(await inbox.receive([message(1, 'p1'), message(2, 'p2')])).toMatchObject({
      applied: 1,
      deferred: 1,
    });
    expect(await effects()).toEqual(['k-1']);
  });

  it('ends a handler that takes too long and refuses what it writes afterwards', async () => {
    const late: unknown[] = [];
    const inbox = newInbox(
      {
        order_settled: async (tx, { messageKey, shardingKey }, { signal }) => {
          if (messageKey === 'k-2') {
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
            await sleep(1);
            await effect(tx, messageKey, shardingKey).catch((error: unknown) => late.push(error));
            return;
          }
          await effect(tx, messageKey, shardingKey);
        },
      },
      { handlerTimeoutMs: 60 },
    );
    expect(await inbox.receive([message(1, 'p1'), message(2, 'p2')])).toMatchObject({
      applied: 1,
      deferred: 1,
    });
    await eventually(() => late.length === 2);
    expect(late[0]).toMatchObject({ code: 'transaction-over' });
    expect(await effects()).toEqual(['k-1']);
    expect(await row('k-2')).toMatchObject({ last_error: 'the handler took longer than 60 ms' });
  });

  it('keeps what it cannot read as dead, with the bytes and the reason, and never twice', async () => {
    const inbox = newInbox();
    const bad: ReceivedMessage[] = [
      message(1, 'p1', { body: Buffer.from('{"half":') }),
      message(2, 'p1', { body: Buffer.from([0xff, 0xfe, 0x00]) }),
      { ...message(3), messageKey: undefined },
      message(4, 'p1', { messageKey: 'x'.repeat(300) }),
      // JSON to JavaScript, too deep for the database.
      message(5, 'p1', { body: '['.repeat(100_000) + ']'.repeat(100_000) }),
      message(6, 'p\0x', { headers: { a: 'b\0c' } }),
      message(7, 'p1', { body: '{"text":"a\\u0000b"}' }),
    ];
    expect(await inbox.receive(bad)).toMatchObject({ received: 7, dead: 5, applied: 2 });
    expect(await inbox.receive(bad)).toMatchObject({ received: 7, duplicates: 7 });
    expect(await row('k-1')).toMatchObject({
      status: 2,
      payload: null,
      body: Buffer.from('{"half":'),
      last_error: expect.stringMatching(/^the body is not JSON/) as string,
    });
    expect(await row('k-5')).toMatchObject({
      status: 2,
      last_error: expect.stringMatching(/the database refuses it: stack depth/) as string,
    });
    const { rows } = await schema.pool.query<{ last_error: string }>(
      `SELECT last_error FROM inbox WHERE message_key LIKE '(no key)%' ORDER BY last_error`,
    );
    expect(rows.map((r) => r.last_error)).toEqual([
      'the message has no key',
      'the message key is not text of 1 to 255 characters without U+0000',
    ]);
    expect(await effects()).toEqual(['k-6', 'k-7']);
  });

  it('keeps and counts messages without a handler, as done or as dead', async () => {
    const unknown = message(1, 'p1', { tag: 'order_lost' });
    const done = newInbox();
    expect(await done.receive([unknown, message(2)])).toMatchObject({ applied: 2, unknown: 1 });
    expect(await row('k-1')).toMatchObject({ status: 1 });
    await schema.reset();
    const dead = newInbox(record, { unknownTag: 'dead' });
    expect(await dead.receive([unknown, message(2)])).toMatchObject({ applied: 1, dead: 1, unknown: 1 });
    expect(await row('k-1')).toMatchObject({ status: 2, last_error: 'no handler for the tag order_lost' });
    const other = newInbox({ ...record, '*': record['order_settled'] as never }, { consumerGroup: 'other' });
    expect(await other.receive([unknown])).toMatchObject({ applied: 1, unknown: 0 });
  });

  it('commits effect and row together: a connection that dies in between leaves neither', async () => {
    let kill = true;
    const inbox = newInbox({
      order_settled: async (tx, { messageKey, shardingKey }) => {
        await effect(tx, messageKey, shardingKey);
        if (messageKey !== 'k-2' || !kill) return;
        const { rows } = await tx.query('SELECT pg_backend_pid() AS pid');
        await schema.pool.query('SELECT pg_terminate_backend($1)', [(rows[0] as { pid: number }).pid]);
      },
    });
    await expect(inbox.receive([message(1), message(2), message(3)])).rejects.toThrow();
    expect(await effects()).toEqual([]);
    expect(await row('k-1')).toBeUndefined();
    kill = false;
    await inbox.receive([message(1), message(2), message(3)]);
    expect(await effects()).toEqual(['k-1', 'k-2', 'k-3']);
  });

  it('does a batch again after a deadlock of its effects', async () => {
    await schema.pool.query('CREATE TABLE accounts (id text PRIMARY KEY, total int NOT NULL)');
    await schema.pool.query(`INSERT INTO accounts SELECT 'p' || i, 0 FROM generate_series(0, 9) i`);
    const inbox = newInbox({
      order_settled: async (tx, { shardingKey }) => {
        await tx.query('UPDATE accounts SET total = total + 1 WHERE id = $1', [shardingKey]);
        await sleep(1);
      },
    });
    await Promise.all(
      Array.from({ length: 2 }, (_, n) => {
        const keys = Array.from({ length: 10 }, (_, i) => (n % 2 ? i : 9 - i));
        return inbox.receive(keys.map((key) => message(`${n}-${key}`, `p${key}`)));
      }),
    );
    const { rows } = await schema.pool.query('SELECT DISTINCT total FROM accounts');
    expect(rows).toEqual([{ total: 2 }]);
    expect(inbox.stats().deferred).toBe(0);
  });

  it('refuses after close, and waits for what is under way', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const inbox = newInbox({ order_settled: () => gate });
    const work = inbox.receive([message(1)]);
    await eventually(() => inbox.stats().underWay === 1);
    const closing = inbox.close();
    await expect(inbox.receive([message(2)])).rejects.toMatchObject({ code: 'closed' });
    release();
    await closing;
    expect(await work).toMatchObject({ applied: 1 });
  });

  it('ends handlers that do not end by themselves when it closes, and counts that as no attempt', async () => {
    const reasons: unknown[] = [];
    let begun = 0;
    const stuck: Handlers = {
      order_settled: async (_tx, _message, { signal }) => {
        begun += 1;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reasons.push(signal.reason);
      },
    };
    const inbox = newInbox(stuck, { closeTimeoutMs: 30 });
    const work = inbox.receive([message(1), message(2)]);
    await eventually(() => begun === 1);
    const [result] = await Promise.allSettled([work, inbox.close()]);
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'closed', retryable: true } });
    expect(reasons).toMatchObject([{ code: 'closed' }]);
    expect(await row('k-1')).toBeUndefined();

    await newInbox({ order_settled: () => Promise.reject(new Error('no')) }).receive([message(1)]);
    const retrying = newInbox(stuck, { closeTimeoutMs: 30 });
    retrying.start();
    await eventually(() => begun === 2);
    await retrying.close();
    expect(reasons).toHaveLength(2);
    expect(await row('k-1')).toMatchObject({ status: 0, attempts: 1, last_error: 'no' });
  });

  it('says why a message is dead whose handler is gone when it is tried again', async () => {
    await newInbox({ order_settled: () => Promise.reject(new Error('no')) }).receive([message(1)]);
    newInbox({}, { unknownTag: 'dead' }).start();
    await eventually(async () => (await row('k-1'))?.['status'] === 2);
    expect(await row('k-1')).toMatchObject({
      attempts: 1,
      last_error: 'no handler for the tag order_settled',
    });
  });

  it('names what is wrong with an option', () => {
    expect(() => newInbox(record, { maxAttempts: 0 })).toThrow(
      'Inbox: maxAttempts is 0, allowed is a whole number of at least 1',
    );
    expect(() => newInbox(record, { consumerGroup: '' })).toThrow('Inbox: consumerGroup is ""');
    expect(() => newInbox(record, { unknownTag: 'drop' as never })).toThrow('allowed are done, dead');
  });
});
