import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  enqueue,
  type EnqueueOptions,
  fromPgPool,
  migrate,
  type OutboxMessage,
  prepared,
} from '../../src/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

let schema: TestSchema;

beforeAll(async () => {
  schema = await createTestSchema();
});
afterAll(() => schema.drop());
beforeEach(() => schema.reset());

const message = (more: Partial<OutboxMessage> = {}): OutboxMessage => ({
  topic: 'dt_settle',
  tag: 'order_settled',
  messageKey: 'B1:1:order_settled',
  shardingKey: 'player-1',
  payload: { version: 1 },
  ...more,
});

const write = (messages: readonly OutboxMessage[], options?: EnqueueOptions): Promise<void> =>
  schema.database.transaction((tx) => enqueue(tx, messages, options));

async function rows(): Promise<Record<string, unknown>[]> {
  const result = await schema.pool.query<Record<string, unknown>>('SELECT * FROM outbox ORDER BY id');
  return result.rows;
}

describe('enqueue', () => {
  it('writes pending rows with everything the message says', async () => {
    await write([
      message({ headers: { traceparent: '00-1' } }),
      message({ tag: undefined, messageKey: 'B2:1', shardingKey: 'R 7', payload: ['ünï"\\codé', null] }),
    ]);
    const [first, second] = await rows();
    expect(first).toMatchObject({
      topic: 'dt_settle',
      tag: 'order_settled',
      message_key: 'B1:1:order_settled',
      sharding_key: 'player-1',
      payload: { version: 1 },
      headers: { traceparent: '00-1' },
      status: 0,
      attempts: 0,
      next_attempt_at: null,
      created_at: expect.any(Date) as Date,
      sent_at: null,
    });
    expect(second).toMatchObject({ tag: null, payload: ['ünï"\\codé', null], headers: null });
  });

  it('writes nothing when the transaction rolls back', async () => {
    await schema.database
      .transaction(async (tx) => {
        await enqueue(tx, [message()]);
        throw new Error('no');
      })
      .catch(() => {});
    expect(await rows()).toEqual([]);
  });

  it('takes a hundred thousand messages in one statement, with ids in their order', async () => {
    const many = Array.from({ length: 100_000 }, (_, i) =>
      message({ messageKey: `k${i}`, shardingKey: `p${i % 999}` }),
    );
    await write(many);
    const { rows: found } = await schema.pool.query(
      `SELECT count(*)::int AS count, count(DISTINCT lane)::int AS lanes,
              bool_and(message_key = 'k' || place) AS ordered
       FROM (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM outbox) o`,
    );
    expect(found).toEqual([{ count: 100_000, lanes: 64, ordered: true }]);
    await expect(write([...many, message()])).rejects.toMatchObject({ code: 'invalid-message' });
  }, 60_000);

  it.each<[string, Partial<Record<keyof OutboxMessage, unknown>>, EnqueueOptions | undefined]>([
    ['messages[1].topic is "bad topic", allowed is 1 to 127 of A-Z', { topic: 'bad topic' }, undefined],
    ['messages[1].topic is undefined', { topic: undefined }, undefined],
    ['messages[1].tag is "a|b", allowed is', { tag: 'a|b' }, undefined],
    ['messages[1].messageKey is "", allowed is 1 to 255', { messageKey: '' }, undefined],
    ['messages[1].messageKey is "a b"', { messageKey: 'a b' }, undefined],
    ['(300 characters)"', { shardingKey: 'x'.repeat(300) }, undefined],
    ['messages[1].shardingKey is "a\\u0000b"', { shardingKey: 'a\0b' }, undefined],
    ['messages[1].payload is "text"', { payload: 'text' }, undefined],
    ['messages[1].payload is null', { payload: null }, undefined],
    ['messages[1].payload is Do not know how to serialize a BigInt', { payload: { n: 1n } }, undefined],
    ['messages[1].payload is JSON "now"', { payload: { toJSON: () => 'now' } }, undefined],
    ['messages[1].payload is a string with U+0000', { payload: { a: 'x\0' } }, undefined],
    ['messages[1].payload is a string with U+0000 or half', { payload: { a: '\ud800' } }, undefined],
    [
      'messages[1].payload is 24 bytes of JSON, allowed is',
      { payload: { a: 'x'.repeat(16) } },
      { maxPayloadBytes: 23 },
    ],
    ['messages[1].headers.a is number, allowed is a string', { headers: { a: 1 } }, undefined],
    ['messages[1].headers is 2008 bytes', { headers: { a: 'x'.repeat(2000) } }, { maxHeadersBytes: 2000 }],
  ])('refuses before any SQL: %s', async (text, wrong, options) => {
    await schema.database.transaction(async (tx) => {
      const bad = { ...message(), ...wrong } as OutboxMessage;
      await expect(enqueue(tx, [message(), bad], options)).rejects.toThrow(
        expect.objectContaining({
          code: 'invalid-message',
          message: expect.stringContaining(text) as string,
        }) as Error,
      );
      // The transaction is still usable.
      await enqueue(tx, [message()]);
    });
    expect((await rows()).length).toBe(1);
  });

  it('takes an escaped backslash before u0000 for what it is', async () => {
    await write([message({ payload: { a: '\\u0000' } })]);
    expect((await rows())[0]).toMatchObject({ payload: { a: '\\u0000' } });
  });

  it('lets writers of one key wait for each other when asked to', async () => {
    const order: string[] = [];
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let entered = (): void => {};
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const first = schema.database.transaction(async (tx) => {
      await enqueue(tx, [message()], { lockKeys: true });
      entered();
      await gate;
      order.push('first');
    });
    await inside;
    const second = schema.database.transaction(async (tx) => {
      await enqueue(tx, [message({ shardingKey: 'player-2' })], { lockKeys: true });
      order.push('other key');
      release();
      await enqueue(tx, [message()], { lockKeys: true });
      order.push('second');
    });
    await Promise.all([first, second]);
    expect(order).toEqual(['other key', 'first', 'second']);
  });

  it('serves several engines in one database by schema', async () => {
    await migrate(fromPgPool(schema.pool), { schema: 'Second "engine"' });
    await write([message()], { schema: 'Second "engine"' });
    expect(await rows()).toEqual([]);
    const { rows: second } = await schema.pool.query('SELECT status FROM "Second ""engine""".outbox');
    expect(second).toEqual([{ status: 0 }]);
  });
});

it('prepared(client) parses each text once a connection, and once more where its first run failed', async () => {
  const client = await schema.pool.connect();
  try {
    const write = async (more: Partial<OutboxMessage> = {}): Promise<void> => {
      await client.query('BEGIN');
      await enqueue(prepared(client), [message(more)]);
      await client.query('COMMIT');
    };
    await client.query(`ALTER TABLE outbox ADD CONSTRAINT short CHECK (length(message_key) < 10)`);
    await expect(write()).rejects.toMatchObject({ code: '23514' });
    await client.query('ROLLBACK; ALTER TABLE outbox DROP CONSTRAINT short');
    for (const messageKey of ['a', 'b', 'c']) await write({ messageKey });
    expect((await rows()).map((row) => row['message_key'])).toEqual(['a', 'b', 'c']);
    const statements = await client.query('SELECT name FROM pg_prepared_statements');
    expect(statements.rows).toEqual([{ name: expect.stringMatching(/^text-[0-9a-f]{24}$/) as string }]);
  } finally {
    client.release(true);
  }
});
