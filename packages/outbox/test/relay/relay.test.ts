import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import { enqueue, type OutboxMessage, Relay, type RelayOptions } from '../../src/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';
import { RecordingBroker } from '../support/recording-publisher.ts';

let schema: TestSchema;
let broker: RecordingBroker;
let relays: Relay[] = [];

beforeAll(async () => {
  schema = await createTestSchema();
});
afterAll(() => schema.drop());
beforeEach(async () => {
  await schema.reset();
  broker = new RecordingBroker();
});
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.close()));
  relays = [];
});

async function startRelay(options: Partial<RelayOptions> = {}): Promise<Relay> {
  const relay = new Relay({
    database: schema.database,
    publisher: broker.publisher(options.instanceId),
    pollMs: 50,
    leaseMs: 1200,
    retry: { initialMs: 20, maxMs: 100 },
    outage: { initialMs: 20, maxMs: 100 },
    ...options,
  });
  relays.push(relay);
  await relay.start();
  return relay;
}

function messages(count: number, keys: number, prefix = 'm'): OutboxMessage[] {
  return Array.from({ length: count }, (_, i) => ({
    topic: 'dt_settle',
    tag: 'order_settled',
    messageKey: `${prefix}-${i}`,
    shardingKey: `player-${i % keys}`,
    payload: { i },
    headers: { traceparent: `00-${i}` },
  }));
}

const write = (list: readonly OutboxMessage[]): Promise<void> =>
  schema.database.transaction((tx) => enqueue(tx, list));

async function statuses(): Promise<Record<number, number>> {
  const { rows } = await schema.pool.query<{ status: number; count: number }>(
    'SELECT status, count(*)::int AS count FROM outbox GROUP BY 1 ORDER BY 1',
  );
  return Object.fromEntries(rows.map((row) => [row.status, row.count]));
}

const allSent = (count: number, timeoutMs = 10_000): Promise<unknown> =>
  eventually(async () => expect(await statuses()).toEqual({ 1: count }) ?? true, { timeoutMs });

describe('Relay', () => {
  it('sends what was committed, in order per sharding key, and keeps what the broker said', async () => {
    await write(messages(500, 7));
    await startRelay();
    await allSent(500);
    for (const [key, list] of broker.firstArrivals()) {
      const expected = messages(500, 7)
        .filter((m) => m.shardingKey === key)
        .map((m) => m.messageKey);
      expect(list).toEqual(expected);
    }
    const { rows } = await schema.pool.query('SELECT * FROM outbox ORDER BY id LIMIT 1');
    expect(rows[0]).toMatchObject({
      topic: 'dt_settle',
      tag: 'order_settled',
      payload: { i: 0 },
      headers: { traceparent: '00-0' },
      attempts: 1,
      last_error: null,
      message_id: expect.stringMatching(/^id-/) as string,
      sent_at: expect.any(Date) as Date,
    });
  });

  it('sends within milliseconds of a kick', async () => {
    const relay = await startRelay({ pollMs: 60_000 });
    await eventually(() => relay.stats().lanes === 64);
    await write(messages(1, 1));
    relay.kick();
    await allSent(1, 1000);
  });
});
