import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import { enqueue, type OutboxMessage, Relay, type RelayOptions } from '../../src/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';
import { RecordingBroker } from '../../src/testing/index.ts';

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

function expectKeyOrder(written: readonly OutboxMessage[]): void {
  const expected = new Map<string, string[]>();
  for (const { shardingKey, messageKey } of written) {
    expected.set(shardingKey, [...(expected.get(shardingKey) ?? []), messageKey]);
  }
  expect(broker.firstArrivals()).toEqual(expected);
}

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

  it('loses no row whose id was taken long before its commit', async () => {
    await startRelay({ pollMs: 20, fullScanMs: 1_000_000 });
    let n = 0;
    let stop = false;
    const writer = async (holdMs: () => number, key: string): Promise<void> => {
      while (!stop) {
        const id = n++;
        await schema.database.transaction(async (tx) => {
          await enqueue(tx, [{ topic: 't', messageKey: `w-${id}`, shardingKey: key, payload: {} }]);
          await sleep(holdMs());
        });
      }
    };
    const writers = [
      ...Array.from({ length: 6 }, (_, i) => writer(() => 0, `fast-${i}`)),
      ...Array.from({ length: 6 }, (_, i) => writer(() => 50 + i * 60, `slow-${i}`)),
    ];
    await sleep(3000);
    stop = true;
    await Promise.all(writers);
    await allSent(n);
    expect(new Set(broker.log.map((sent) => sent.messageKey)).size).toBe(n);
    expect(broker.log.length).toBe(n);
  });

  it('finds a row put back behind its position by the walk from the start', async () => {
    await write(messages(10, 10));
    await startRelay({ fullScanMs: 200 });
    await allSent(10);
    await schema.pool.query('UPDATE outbox SET status = 0 WHERE id = (SELECT min(id) FROM outbox)');
    await allSent(10);
    expect(broker.log.length).toBe(11);
  });

  it('writes no row during an outage of the publisher, and sends all of them afterwards', async () => {
    await write(messages(3000, 300));
    broker.down = new Error('connect ECONNREFUSED');
    const errors: string[] = [];
    const relay = await startRelay({
      onError: (error, during) => errors.push(`${during}: ${String(error)}`),
    });
    await eventually(() => broker.calls >= 12);
    expect(relay.stats()).toMatchObject({ outage: true, sent: 0 });
    expect(await statuses()).toEqual({ 0: 3000 });
    const { rows } = await schema.pool.query(
      'SELECT count(*)::int AS touched FROM outbox WHERE attempts > 0',
    );
    // Probes shrink to single messages, and only the failure of a single message is written.
    expect((rows[0] as { touched: number }).touched).toBeLessThanOrEqual(broker.calls);
    broker.down = undefined;
    await allSent(3000);
    expect(errors.every((text) => text === 'publish: Error: connect ECONNREFUSED')).toBe(true);
    expect(relay.stats().outage).toBe(false);
    expectKeyOrder(messages(3000, 300));
  });

  it('gets other messages through quickly while every message of a topic fails', async () => {
    broker.decide = ({ topic }) => (topic === 'missing' ? 'retry' : 'sent');
    await write(messages(500, 250, 'bad').map((m) => ({ ...m, topic: 'missing' })));
    const relay = await startRelay({
      retry: { initialMs: 500, maxMs: 60_000 },
      outage: { initialMs: 20, maxMs: 5000 },
    });
    await eventually(() => broker.calls >= 6);
    const good = Array.from({ length: 10 }, (_, i) => ({
      topic: 't',
      messageKey: `good-${i}`,
      shardingKey: `good-${i}`,
      payload: {},
    }));
    await write(good);
    relay.kick();
    await eventually(() => broker.log.length === 10, { timeoutMs: 25_000 });
    await eventually(async () => expect(await statuses()).toEqual({ 0: 500, 1: 10 }) ?? true);
  });

  it('sets a rejected message aside with its reason, and its key goes on', async () => {
    broker.decide = ({ messageKey }) => (messageKey === 'm-1' ? 'rejected' : 'sent');
    await write(messages(4, 1));
    await startRelay();
    await eventually(async () => expect(await statuses()).toEqual({ 1: 3, 2: 1 }) ?? true);
    const { rows } = await schema.pool.query(
      'SELECT message_key, attempts, last_error FROM outbox WHERE status = 2',
    );
    expect(rows).toEqual([{ message_key: 'm-1', attempts: 1, last_error: 'rejected m-1' }]);
    expect(broker.log.map((sent) => sent.messageKey)).toEqual(['m-0', 'm-2', 'm-3']);
  });

  it('lets only the failing key wait, with growing delays', async () => {
    let healed = false;
    broker.decide = ({ shardingKey }) => (shardingKey === 'player-0' && !healed ? 'retry' : 'sent');
    await write(messages(100, 10));
    await startRelay({ retry: { initialMs: 40, maxMs: 100_000 } });
    await eventually(async () => expect(await statuses()).toEqual({ 0: 10, 1: 90 }) ?? true);
    const head = async (): Promise<{ attempts: number; wait: number }> => {
      const { rows } = await schema.pool.query(
        `SELECT attempts, (extract(epoch FROM next_attempt_at - clock_timestamp()) * 1000)::float8 AS wait
         FROM outbox WHERE message_key = 'm-0'`,
      );
      return rows[0] as { attempts: number; wait: number };
    };
    await eventually(async () => (await head()).attempts >= 4);
    const { rows } = await schema.pool.query(
      `SELECT count(*)::int AS count FROM outbox WHERE status = 0 AND message_key <> 'm-0' AND attempts > 0`,
    );
    expect(rows).toEqual([{ count: 0 }]);
    healed = true;
    await allSent(100);
    expectKeyOrder(messages(100, 10));
  });

  it('gives a message up after the last attempt when one is set', async () => {
    broker.decide = ({ messageKey }) => (messageKey === 'm-0' ? 'retry' : 'sent');
    await write(messages(20, 10));
    await startRelay({ maxAttempts: 3 });
    await eventually(async () => expect(await statuses()).toEqual({ 1: 19, 2: 1 }) ?? true);
    const { rows } = await schema.pool.query('SELECT attempts, last_error FROM outbox WHERE status = 2');
    expect(rows).toEqual([{ attempts: 3, last_error: 'retry m-0' }]);
  });

  it('finds the one message that makes every call around it throw', async () => {
    await write(messages(400, 400));
    broker.before = (batch) => {
      if (batch.some(({ messageKey }) => messageKey === 'm-137')) throw new TypeError('cannot encode');
    };
    await startRelay();
    await eventually(async () => expect(await statuses()).toEqual({ 0: 1, 1: 399 }) ?? true, {
      timeoutMs: 20_000,
    });
    const { rows } = await schema.pool.query('SELECT message_key, last_error FROM outbox WHERE status = 0');
    expect(rows).toEqual([{ message_key: 'm-137', last_error: 'cannot encode' }]);
  });

  it('keeps a batch within its count and its bytes', async () => {
    const calls: { count: number; sizeBytes: number }[] = [];
    broker.before = (batch) => {
      calls.push({ count: batch.length, sizeBytes: batch.reduce((sum, m) => sum + m.body.length, 0) });
    };
    await write(messages(300, 50).map((m, i) => ({ ...m, payload: { pad: 'x'.repeat((i % 10) * 1000) } })));
    await startRelay({ batchSize: 70, batchBytes: 20_000 });
    await allSent(300);
    expect(Math.max(...calls.map((call) => call.count))).toBeLessThanOrEqual(70);
    expect(Math.max(...calls.map((call) => call.sizeBytes))).toBeLessThanOrEqual(20_000);
    expectKeyOrder(messages(300, 50));
  });

  it('changes nothing with a mark that comes after the lane was lost', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    await write(messages(8, 8));
    broker.before = () => gate;
    broker.decide = () => 'rejected';
    const old = await startRelay({ instanceId: 'old' });
    await eventually(() => broker.calls > 0);
    // As if its lease had run out: another session has the lanes.
    await schema.pool.query(`UPDATE outbox_lanes SET owner = 'other', epoch = epoch + 1`);
    await schema.pool.query(
      `INSERT INTO outbox_relays VALUES ('other', 'other', now(), clock_timestamp() + interval '1 hour')`,
    );
    release();
    await eventually(() => old.stats().rounds === 0 && old.stats().lanes === 0);
    expect(await statuses()).toEqual({ 0: 8 });
    const { rows } = await schema.pool.query('SELECT DISTINCT attempts, last_error FROM outbox');
    expect(rows).toEqual([{ attempts: 0, last_error: null }]);
  });

  it('shares the lanes fairly while relays come and go, and hands over at once on close', async () => {
    const lanes = (): number[] => relays.map((relay) => relay.stats().lanes);
    const first = await startRelay();
    expect(lanes()).toEqual([64]);
    await startRelay();
    await eventually(() => expect(lanes()).toEqual([32, 32]) ?? true);
    await startRelay();
    await eventually(() => expect([...lanes()].sort()).toEqual([21, 21, 22]) ?? true);
    await first.close();
    relays.shift();
    await eventually(() => expect(lanes()).toEqual([32, 32]) ?? true, { timeoutMs: 1000 });
  });

  it('burns no attempt and sends nothing twice when relays join and leave gracefully', async () => {
    await write(messages(4000, 97));
    broker.before = () => sleep(5);
    const options = { batchSize: 50, leaseMs: 600 };
    await startRelay(options);
    for (let i = 0; i < 6; i++) {
      await startRelay(options);
      await sleep(150);
      await relays.shift()?.close();
    }
    await allSent(4000);
    expect(broker.log.length).toBe(4000);
    expectKeyOrder(messages(4000, 97));
    const { rows } = await schema.pool.query(
      'SELECT max(attempts) AS attempts, max(crashes) AS crashes FROM outbox',
    );
    expect(rows).toEqual([{ attempts: 1, crashes: 0 }]);
  });

  it('closes in bounded time over a publisher that never returns, and leaves its rows to the next', async () => {
    await write(messages(5, 1));
    broker.before = () => new Promise(() => {});
    const stuck = await startRelay({ closeTimeoutMs: 100 });
    await eventually(() => broker.calls === 1);
    const startedMs = performance.now();
    await stuck.close();
    expect(performance.now() - startedMs).toBeLessThan(3000);
    broker.before = () => {};
    await startRelay();
    await allSent(5);
  });

  it('waits out a database that is away', async () => {
    const relay = await startRelay();
    for (let i = 0; i < 5; i++) {
      await write(messages(20, 5, `round${i}`));
      relay.kick();
      await schema.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      await sleep(50);
    }
    await allSent(100);
    expectKeyOrder(Array.from({ length: 5 }, (_, i) => messages(20, 5, `round${i}`)).flat());
  });

  it('does not slow down under an old snapshot', async () => {
    const rate = async (): Promise<number> => {
      await write(messages(20_000, 1000));
      const startedMs = performance.now();
      const relay = await startRelay();
      await eventually(() => relay.stats().sent === 20_000, { timeoutMs: 30_000 });
      await relay.close();
      return performance.now() - startedMs;
    };
    await rate();
    const freeMs = await rate();
    const client = await schema.pool.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await client.query('SELECT count(*) FROM outbox');
      await rate();
      const heldMs = await rate();
      // The dead entries of 40,000 sent rows lie in the index; walking them would cost many times as much.
      expect(heldMs).toBeLessThan(freeMs * 3 + 500);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });

  it('names what is wrong with an option', () => {
    const make = (options: Partial<RelayOptions>) => () =>
      new Relay({ database: schema.database, publisher: broker.publisher(), ...options });
    expect(make({ batchSize: 0 })).toThrow('Relay: batchSize is 0, allowed is a whole number of at least 1');
    expect(make({ retry: { initialMs: 100, maxMs: 10 } })).toThrow('Relay: retry.maxMs is 10');
    expect(make({ publisher: {} as never })).toThrow('Relay: publisher has no method publish()');
    expect(make({ schema: '' })).toThrow('outbox: schema is ""');
  });
});
