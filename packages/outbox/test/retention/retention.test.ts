import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import { enqueue, Relay, Retention, type RetentionOptions, type RetentionRun } from '../../src/index.ts';
import { RecordingBroker } from '../../src/testing/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

const HOUR_MS = 3_600_000;

let schema: TestSchema;
let opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  schema = await createTestSchema();
});
afterAll(() => schema.drop());
beforeEach(() => schema.reset());
afterEach(async () => {
  await Promise.all(opened.map((part) => part.close()));
  opened = [];
});

/** Starts one; resolves to the runs it reports, as they come. */
function startRetention(options: Partial<RetentionOptions> = {}): {
  retention: Retention;
  runs: RetentionRun[];
} {
  const runs: RetentionRun[] = [];
  const retention = new Retention({
    database: schema.database,
    outboxMs: HOUR_MS,
    inboxMs: 2 * HOUR_MS,
    everyMs: 20,
    onRun: (run) => runs.push(run),
    ...options,
  });
  opened.push(retention);
  void retention.start();
  return { retention, runs };
}

const untilRunOf = (runs: readonly RetentionRun[], box: 'outbox' | 'inbox'): Promise<unknown> =>
  eventually(() => runs.some((run) => run.box === box));

/** Rows of the outbox with an age in hours; `done` rows were sent at that age, too. */
async function outboxRows(prefix: string, count: number, status: number, hours: number): Promise<void> {
  await schema.pool.query(
    `INSERT INTO outbox (topic, message_key, sharding_key, payload, status, created_at, sent_at)
     SELECT 't', $1 || '-' || i, 's' || i, '{}', $3::smallint, t.at, CASE WHEN $3::smallint = 1 THEN t.at END
     FROM generate_series(1, $2::int) AS i, LATERAL (SELECT clock_timestamp() - $4 * interval '1 hour' AS at) AS t`,
    [prefix, count, status, hours],
  );
}

async function inboxRows(prefix: string, count: number, status: number, hours: number): Promise<void> {
  await schema.pool.query(
    `INSERT INTO inbox (consumer_group, message_key, topic, sharding_key, payload, status, received_at, processed_at)
     SELECT 'g', $1 || '-' || i, 't', 's' || i, '{}', $3::smallint, t.at, CASE WHEN $3::smallint <> 0 THEN t.at END
     FROM generate_series(1, $2::int) AS i, LATERAL (SELECT clock_timestamp() - $4 * interval '1 hour' AS at) AS t`,
    [prefix, count, status, hours],
  );
}

/** How many rows are left, by the prefix of their keys. */
async function left(box: 'outbox' | 'inbox'): Promise<Record<string, number>> {
  const { rows } = await schema.pool.query<{ prefix: string; count: number }>(
    `SELECT split_part(message_key, '-', 1) AS prefix, count(*)::int AS count FROM ${box} GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ prefix, count }) => [prefix, count]));
}

describe('Retention', () => {
  it('drops sent rows that are old enough, and no pending, dead or younger one', async () => {
    await outboxRows('old', 95, 1, 2);
    await outboxRows('pending', 3, 0, 2);
    await outboxRows('dead', 4, 2, 2);
    await outboxRows('older', 95, 1, 3);
    await outboxRows('young', 50, 1, 0.5);
    const { runs } = startRetention({ batchSize: 10 });
    await untilRunOf(runs, 'outbox');
    expect(await left('outbox')).toEqual({ dead: 4, pending: 3, young: 50 });
    expect(runs[0]).toMatchObject({ box: 'outbox', dropped: 190 });
    const { rows } = await schema.pool.query(
      `SELECT dropped_before BETWEEN now() - interval '61 minutes' AND now() - interval '59 minutes' AS good
       FROM outbox_retention WHERE box = 'outbox'`,
    );
    expect(rows).toEqual([{ good: true }]);
  });

  it('drops applied rows of the inbox that are old enough, and no pending, dead or younger one', async () => {
    await inboxRows('old', 25, 1, 3);
    await inboxRows('pending', 3, 0, 3);
    await inboxRows('dead', 4, 2, 3);
    await inboxRows('young', 5, 1, 1);
    const { runs } = startRetention({ batchSize: 10 });
    await untilRunOf(runs, 'inbox');
    expect(await left('inbox')).toEqual({ dead: 4, pending: 3, young: 5 });
  });

  it('remembers in the inbox what the outbox may still send again', async () => {
    // Dead because the process died while sending: it may have arrived, and an operator may replay it.
    await outboxRows('dead', 2, 2, 100);
    await inboxRows('dead', 2, 1, 100);
    await inboxRows('old', 2, 1, 100);
    // Perhaps sent and not marked, 50 hours ago, and sent again whenever a relay runs.
    await outboxRows('waits', 1, 0, 50);
    await inboxRows('waits', 1, 1, 49);
    const { runs } = startRetention();
    await untilRunOf(runs, 'inbox');
    expect(await left('inbox')).toEqual({ dead: 2, waits: 1 });
  });

  it('finds later what was not done yet when the walk passed it', async () => {
    await outboxRows('late', 1, 0, 3);
    await outboxRows('old', 5, 1, 2);
    const { runs } = startRetention({ everyMs: 10 });
    await untilRunOf(runs, 'outbox');
    expect(await left('outbox')).toEqual({ late: 1 });
    await schema.pool.query(`UPDATE outbox SET status = 1, sent_at = created_at`);
    await eventually(async () => Object.keys(await left('outbox')).length === 0);
  });

  it('is done by one process at a time, and by another when that one has gone', async () => {
    const first = startRetention();
    await untilRunOf(first.runs, 'outbox');
    const second = startRetention();
    await outboxRows('old', 5, 1, 2);
    await eventually(async () => Object.keys(await left('outbox')).length === 0);
    expect(second.runs).toEqual([]);
    await first.retention.close();
    await untilRunOf(second.runs, 'outbox');
  });

  it('drops nothing any more once another process has the duty', async () => {
    await outboxRows('old', 300, 1, 2);
    const { runs } = startRetention({ batchSize: 1 });
    await eventually(async () => ((await left('outbox'))['old'] ?? 0) < 300);
    await schema.pool.query(
      `UPDATE outbox_retention SET owner = 'another', expires_at = clock_timestamp() + interval '1 hour'`,
    );
    const before = await left('outbox');
    await outboxRows('old', 1, 1, 2);
    expect((await left('outbox'))['old']).toBe((before['old'] ?? 0) + 1);
    expect(runs).toEqual([]);
  });

  it('keeps for ever what it is told to', async () => {
    await outboxRows('old', 5, 1, 1_000_000);
    await inboxRows('old', 5, 1, 3);
    const { runs } = startRetention({ outboxMs: Infinity });
    await untilRunOf(runs, 'inbox');
    expect([await left('outbox'), await left('inbox')]).toEqual([{ old: 5 }, {}]);
  });

  it('drops beside a relay and writers, and each message is sent once and in order', async () => {
    const broker = new RecordingBroker();
    const relay = new Relay({ database: schema.database, publisher: broker.publisher(), pollMs: 20 });
    opened.push(relay);
    await relay.start();
    const { runs } = startRetention({ outboxMs: 0, everyMs: 10, batchSize: 100 });
    const keys = Array.from({ length: 10 }, (_, i) => `key-${i}`);
    for (let n = 0; n < 40; n++) {
      const list = keys.map((key) => ({
        topic: 't',
        messageKey: `${key}:${n}`,
        shardingKey: key,
        payload: {},
      }));
      await schema.database.transaction((tx) => enqueue(tx, list));
      relay.kick();
    }
    await eventually(async () => Object.keys(await left('outbox')).length === 0, { timeoutMs: 15_000 });
    expect(broker.log).toHaveLength(400);
    for (const [key, arrived] of broker.firstArrivals()) {
      expect(arrived).toEqual(Array.from({ length: 40 }, (_, n) => `${key}:${n}`));
    }
    expect(runs.reduce((sum, run) => sum + run.dropped, 0)).toBeLessThanOrEqual(400);
    expect(relay.stats().fenced).toBe(0);
  });

  it('reports what failed and goes on', async () => {
    const errors: unknown[] = [];
    let fail = true;
    await outboxRows('old', 5, 1, 2);
    startRetention({
      database: {
        query: (text, values) =>
          fail ? Promise.reject(new Error('away')) : schema.database.query(text, values),
        transaction: (work) => schema.database.transaction(work),
      },
      onError: (error) => {
        errors.push(error);
      },
    });
    await eventually(() => errors.length > 2);
    fail = false;
    await eventually(async () => Object.keys(await left('outbox')).length === 0);
  });

  it('refuses to forget what the broker can deliver again, or says so and goes on', async () => {
    await inboxRows('old', 1, 1, 3);
    const asked = { database: schema.database, inboxMs: HOUR_MS, redeliverySpanMs: async () => 2 * HOUR_MS };
    const refusing = new Retention({ ...asked, everyMs: 10 });
    await expect(refusing.start()).rejects.toMatchObject({
      code: 'memory-too-short',
      message: expect.stringMatching(/inboxMs is 3600000.*for 7200000 ms/) as string,
    });
    const errors: unknown[] = [];
    const warning = startRetention({
      ...asked,
      onShortMemory: 'warn',
      onError: (error) => errors.push(error),
    });
    await untilRunOf(warning.runs, 'inbox');
    expect(errors).toMatchObject([{ code: 'memory-too-short' }]);
    expect(await left('inbox')).toEqual({});
  });

  it('asks the broker only where something may be forgotten, and drops nothing while it cannot tell', async () => {
    const { database } = schema;
    const redeliverySpanMs = (): Promise<number> => Promise.reject(new Error('away'));
    await expect(new Retention({ database, redeliverySpanMs }).start()).rejects.toThrow('away');
    const keeping = startRetention({ inboxMs: Infinity, redeliverySpanMs });
    await untilRunOf(keeping.runs, 'outbox');
    const enough = startRetention({ inboxMs: HOUR_MS, redeliverySpanMs: async () => HOUR_MS });
    await untilRunOf(enough.runs, 'inbox');
  });

  it('refuses options that make no sense', () => {
    const { database } = schema;
    expect(() => new Retention({ database, outboxMs: -1 })).toThrow(/outboxMs is -1, allowed is/);
    expect(() => new Retention({ database, inboxMs: 1.5 })).toThrow(/inboxMs is 1.5, allowed is/);
    expect(() => new Retention({ database, everyMs: 0 })).toThrow(/everyMs/);
    const onShortMemory = 'forget' as 'warn';
    expect(() => new Retention({ database, onShortMemory })).toThrow(/onShortMemory is "forget"/);
    expect(() => new Retention({} as RetentionOptions)).toThrow(/database has no method query/);
  });
});
