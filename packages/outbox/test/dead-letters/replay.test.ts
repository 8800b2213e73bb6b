import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DeadLetters, enqueue, Inbox, OutboxError, Relay, type RelayOptions } from '../../src/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';
import { RecordingBroker } from '../../src/testing/index.ts';

const PATIENT = { timeout: 15_000 };

let schema: TestSchema;
let outbox: DeadLetters;
let inbox: DeadLetters;
let broker: RecordingBroker;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  schema = await createTestSchema();
  outbox = new DeadLetters({ database: schema.database, box: 'outbox' });
  inbox = new DeadLetters({ database: schema.database, box: 'inbox' });
});
afterAll(() => schema.drop());
beforeEach(async () => {
  await schema.reset();
  broker = new RecordingBroker();
});
afterEach(async () => {
  for (const part of open.splice(0)) await part.close();
});

/** Looks at the lanes often and never from their start: what it finds, it was told of. */
async function startRelay(options: Partial<RelayOptions> = {}): Promise<Relay> {
  const relay = new Relay({
    database: schema.database,
    publisher: broker.publisher(),
    leaseMs: 1200,
    pollMs: 50,
    fullScanMs: 3_600_000,
    ...options,
  });
  await relay.start();
  open.push(relay);
  return relay;
}

const put = (...messages: [key: string, shardingKey: string][]): Promise<void> =>
  schema.database.transaction((tx) =>
    enqueue(
      tx,
      messages.map(([messageKey, shardingKey]) => ({ topic: 't', messageKey, shardingKey, payload: {} })),
    ),
  );

/** Dead rows `K1`, `K2` and so on, of ten sharding keys, as if they had died long ago. */
async function putDead(count: number): Promise<void> {
  await schema.pool.query(
    `INSERT INTO outbox (topic, message_key, sharding_key, payload, status, attempts, crashes, last_error, died_at)
     SELECT 't', 'K' || n, 'key' || n % 10, '{}', 2, 3, 2, 'too old', now() - interval '1 day'
     FROM generate_series(1, $1::int) AS n`,
    [count],
  );
}

const sent = (): string[] => broker.log.map(({ messageKey }) => messageKey);

async function idOf(messageKey: string): Promise<number> {
  const { rows } = await schema.pool.query<{ id: string }>('SELECT id FROM outbox WHERE message_key = $1', [
    messageKey,
  ]);
  return Number(rows[0]?.id);
}

describe('a replay of the outbox', () => {
  it('is found by a running relay that nobody told, and leaves a history', async () => {
    let rejects = true;
    broker.decide = ({ messageKey }) => (rejects && messageKey === 'bad' ? 'rejected' : 'sent');
    await startRelay();
    await put(['bad', 'ann'], ['good', 'ann']);
    await expect.poll(sent, PATIENT).toEqual(['good']);
    const id = await idOf('bad');
    await expect.poll(async () => (await outbox.show({ id })).status, PATIENT).toBe('dead');
    // Positions move past the dead row.
    await put(['later', 'ann']);
    await expect.poll(sent, PATIENT).toEqual(['good', 'later']);

    await outbox.replayOne({ id }, { by: 'eve' });
    await expect.poll(async () => (await outbox.show({ id })).replays, PATIENT).toBe(1);
    await expect.poll(async () => (await outbox.show({ id })).diedAt, PATIENT).toBeInstanceOf(Date);
    rejects = false;
    await outbox.replayOne({ id }, { by: 'mallory' });
    await expect.poll(sent, PATIENT).toEqual(['good', 'later', 'bad']);
    await expect.poll(async () => (await outbox.show({ id })).status, PATIENT).toBe('done');
    const { attempts, lastError, pastLives } = await outbox.show({ id });
    expect({ attempts, lastError }).toEqual({ attempts: 1, lastError: undefined });
    expect(pastLives).toMatchObject([
      { attempts: 1, crashes: 0, lastError: 'rejected bad', replayedBy: 'eve' },
      { attempts: 1, crashes: 0, lastError: 'rejected bad', replayedBy: 'mallory' },
    ]);
    for (const { diedAt, replayedAt } of pastLives) {
      expect(diedAt?.getTime()).toBeLessThanOrEqual(replayedAt.getTime());
    }
  });

  it('reaches the next owner of the lane when the one before leaves without having looked', async () => {
    // Its next renewal is ten seconds away, and it looks when told to.
    const first = await startRelay({ leaseMs: 60_000, pollMs: 60_000 });
    broker.decide = ({ messageKey }) => (messageKey === 'bad' ? 'rejected' : 'sent');
    await put(['bad', 'ann']);
    first.kick();
    await expect.poll(() => first.stats().rejected, PATIENT).toBe(1);
    await put(['good', 'ann']);
    first.kick();
    await expect.poll(sent, PATIENT).toEqual(['good']);
    // Time to see that no open transaction has ids below: this look then moves the position past both.
    await pause(500);
    first.kick();
    await expect.poll(() => first.stats().rounds, PATIENT).toBe(0);
    broker.decide = () => 'sent';
    await outbox.replayOne({ id: await idOf('bad') }, { by: 'eve' });
    await first.close();
    expect(sent()).toEqual(['good']);
    await startRelay();
    await expect.poll(sent, PATIENT).toEqual(['good', 'bad']);
  });

  it('goes before the message for which its key is waiting', async () => {
    let failing = true;
    broker.decide = ({ messageKey }) =>
      messageKey === 'bad' && failing ? 'rejected' : messageKey === 'slow' && failing ? 'retry' : 'sent';
    const relay = await startRelay({ retry: { initialMs: 2000, maxMs: 2000 } });
    await put(['bad', 'ann']);
    await expect.poll(() => relay.stats().rejected, PATIENT).toBe(1);
    await put(['slow', 'ann'], ['other', 'bob']);
    await expect.poll(() => relay.stats().heldKeys, PATIENT).toBe(1);
    await expect.poll(sent, PATIENT).toEqual(['other']);
    failing = false;
    await outbox.replayOne({ id: await idOf('bad') }, { by: 'eve' });
    await expect.poll(sent, PATIENT).toEqual(['other', 'bad', 'slow']);
  });

  it('takes what matches, in the order of ids, over many transactions', async () => {
    await putDead(45);
    const seen: number[] = [];
    const report = await outbox.replay(
      { messageKeyPrefix: 'K' },
      { by: 'eve', batchSize: 10, onProgress: ({ replayed }) => seen.push(replayed) },
    );
    expect(report).toMatchObject({ replayed: 45, total: 45, unreadable: 0, finished: true });
    expect(seen).toEqual([10, 20, 30, 40, 45]);
    const { rows } = await schema.pool.query<{ in_order: boolean; fresh: boolean }>(
      `SELECT (SELECT array_agg(row_id ORDER BY id) = array_agg(row_id ORDER BY row_id) FROM outbox_replays) AS in_order,
              bool_and(status = 0 AND attempts = 0 AND crashes = 1 AND died_at IS NULL AND last_error IS NULL) AS fresh
       FROM outbox`,
    );
    expect(rows).toEqual([{ in_order: true, fresh: true }]);
    await startRelay();
    await expect.poll(() => broker.log.length, PATIENT).toBe(45);
    for (const [key, arrived] of broker.firstArrivals()) {
      const numbers = arrived.map((name) => Number(name.slice(1)));
      expect(numbers, key).toEqual([...numbers].sort((a, b) => a - b));
    }
  });

  it('is no faster than asked, and evenly so', async () => {
    await putDead(30);
    const startedMs = performance.now();
    const steps: number[] = [];
    await outbox.replay(
      {},
      { by: 'eve', ratePerSecond: 40, onProgress: ({ replayed }) => steps.push(replayed) },
    );
    expect(steps).toEqual([10, 20, 30, 30]);
    expect(performance.now() - startedMs).toBeGreaterThan(740);
  });

  it('stops between two transactions, and goes on after where it was', async () => {
    await putDead(30);
    const stop = new AbortController();
    const first = await outbox.replay(
      {},
      { by: 'eve', batchSize: 10, signal: stop.signal, onProgress: () => stop.abort() },
    );
    expect(first).toMatchObject({ replayed: 10, total: 30, finished: false, lastId: await idOf('K10') });
    // Those that died again meanwhile stay where they are.
    await schema.pool.query('UPDATE outbox SET status = 2, died_at = now() WHERE status = 0');
    const second = await outbox.replay({}, { by: 'eve', after: first.lastId ?? 0 });
    expect(second).toMatchObject({ replayed: 20, total: 20, finished: true });
  });

  it('of two operators at once takes each message once', async () => {
    await putDead(200);
    const reports = await Promise.all(
      ['eve', 'mallory', 'trent'].map((by) => outbox.replay({}, { by, batchSize: 7 })),
    );
    expect(reports.reduce((sum, { replayed }) => sum + replayed, 0)).toBe(200);
    const { rows } = await schema.pool.query<{ lines: number; messages: number }>(
      'SELECT count(*)::int AS lines, count(DISTINCT row_id)::int AS messages FROM outbox_replays',
    );
    expect(rows).toEqual([{ lines: 200, messages: 200 }]);
  });

  it('does not take a message again that died after it began', async () => {
    await putDead(20);
    // Stands for a relay that is quick to fail: everything replayed or not is dead again, later than the beginning.
    let died: Promise<unknown> | undefined;
    const report = await outbox.replay(
      {},
      {
        by: 'eve',
        ratePerSecond: 40,
        onProgress: () => {
          died ??= schema.pool.query('UPDATE outbox SET status = 2, died_at = clock_timestamp()');
        },
      },
    );
    await died;
    expect(report).toMatchObject({ replayed: 10, total: 20, finished: true });
  });

  it('keeps a message apart during which processes died', async () => {
    await put(['deadly', 'ann']);
    const id = await idOf('deadly');
    await schema.pool.query(`UPDATE outbox_lanes SET owner = 'gone'`);
    await schema.pool.query(
      `INSERT INTO outbox_flights (session_id, ids) VALUES ('gone', ARRAY[$1::bigint])`,
      [id],
    );
    const relay = await startRelay({ maxCrashes: 1 });
    await expect.poll(() => relay.stats().lanes, PATIENT).toBe(64);
    const { status, diedAt, crashes } = await outbox.show({ id });
    expect({ status, crashes }).toEqual({ status: 'dead', crashes: 1 });
    expect(diedAt).toBeInstanceOf(Date);
    await outbox.replayOne({ id }, { by: 'eve' });
    await expect.poll(sent, PATIENT).toEqual(['deadly']);
    expect((await outbox.show({ id })).pastLives).toMatchObject([{ crashes: 1, attempts: 1 }]);
  });

  it('is told beforehand what it would do, and what went past the dead ones', async () => {
    await putDead(3);
    await put(['L1', 'key1'], ['L2', 'key2']);
    await schema.pool.query('UPDATE outbox SET status = 1 WHERE status = 0');
    expect(await outbox.plan({})).toEqual({
      messages: 3,
      keys: 3,
      unreadable: 0,
      overtakers: 2,
      asOf: expect.any(String) as string,
    });
    expect(await outbox.plan({ messageKey: 'K3' })).toMatchObject({ messages: 1, overtakers: 0 });
    expect(await outbox.plan({}, { after: await idOf('K1') })).toMatchObject({ messages: 2, overtakers: 1 });
    expect(await outbox.plan({ topic: 'none' })).toEqual({
      messages: 0,
      keys: 0,
      unreadable: 0,
      overtakers: 0,
      asOf: expect.any(String) as string,
    });
    expect((await outbox.list()).letters).toHaveLength(3);
  });

  it('takes no others than were there when it was planned', async () => {
    await putDead(2);
    const { asOf } = await outbox.plan();
    await schema.pool.query(`UPDATE outbox SET died_at = clock_timestamp() WHERE message_key = 'K2'`);
    expect(await outbox.replay({}, { by: 'eve', asOf })).toMatchObject({ replayed: 1, total: 1 });
  });

  it.each([
    ['not-found', 'the outbox has no message with the id 999999999', 999_999_999],
    ['not-dead', 'is pending: only dead messages can be replayed', 'waiting'],
  ])('of one message says %s', async (code, message, which) => {
    await put(['waiting', 'ann']);
    const id = typeof which === 'number' ? which : await idOf(which);
    const asked = outbox.replayOne({ id }, { by: 'eve' });
    await expect(asked).rejects.toMatchObject({ name: 'OutboxError', code });
    await expect(asked).rejects.toThrow(message);
  });

  it.each([
    [{ by: '' }, 'by is ""'],
    [{ by: 'eve', ratePerSecond: 0 }, 'ratePerSecond is 0'],
    [{ by: 'eve', batchSize: 10_001 }, 'batchSize is 10001'],
    [{ by: 'eve', after: 1.5 }, 'after is 1.5'],
    [{ by: 'eve', asOf: 'then' }, 'asOf is "then"'],
  ])('refuses %j and changes nothing', async (options, message) => {
    await putDead(1);
    await expect(outbox.replay({}, options)).rejects.toThrow(OutboxError);
    await expect(outbox.replay({}, options)).rejects.toThrow(message);
    expect((await outbox.list()).letters).toHaveLength(1);
  });
});

describe('a replay of the inbox', () => {
  it('has the handler tried again, before what waits behind it, with the whole budget', async () => {
    const applied: string[] = [];
    let failing = true;
    const receiver = new Inbox({
      database: schema.database,
      consumerGroup: 'g',
      maxAttempts: 2,
      pollMs: 20,
      retry: { initialMs: 1, maxMs: 1 },
      handlers: {
        '*': async (_tx, { messageKey }, { attempt }) => {
          if (failing && messageKey === 'bad') throw new Error('not yet');
          applied.push(`${messageKey} ${attempt}`);
        },
      },
    });
    open.push(receiver);
    await receiver.receive([{ topic: 't', messageKey: 'bad', shardingKey: 's', body: '{}' }]);
    receiver.start();
    const name = { consumerGroup: 'g', messageKey: 'bad' };
    await expect.poll(async () => (await inbox.show(name)).status, PATIENT).toBe('dead');
    await receiver.receive([{ topic: 't', messageKey: 'next', shardingKey: 's', body: '{}' }]);
    expect(await inbox.plan()).toEqual({
      messages: 1,
      keys: 1,
      unreadable: 0,
      overtakers: 1,
      asOf: expect.any(String) as string,
    });

    failing = false;
    await inbox.replayOne(name, { by: 'eve' });
    await expect.poll(() => applied, PATIENT).toEqual(['next 1', 'bad 1']);
    await expect.poll(async () => (await inbox.show(name)).status, PATIENT).toBe('done');
    expect((await inbox.show(name)).pastLives).toMatchObject([
      { attempts: 2, crashes: 0, lastError: 'not yet', replayedBy: 'eve' },
    ]);
    await expect(inbox.replayOne(name, { by: 'eve' })).rejects.toMatchObject({ code: 'not-dead' });
  });

  it('leaves what cannot be read as it came', async () => {
    const receiver = new Inbox({
      database: schema.database,
      consumerGroup: 'g',
      maxAttempts: 1,
      handlers: { '*': () => Promise.reject(new Error('no')) },
    });
    open.push(receiver);
    await receiver.receive([
      { topic: 't', messageKey: 'torn', body: '{' },
      { topic: 't', messageKey: undefined, body: '{}' },
      { topic: 't', messageKey: 'failed', body: '{}' },
    ]);
    expect(await inbox.plan()).toMatchObject({ messages: 1, unreadable: 2 });
    const asked = inbox.replayOne({ consumerGroup: 'g', messageKey: 'torn' }, { by: 'eve' });
    await expect(asked).rejects.toMatchObject({ code: 'unreadable' });
    await expect(asked).rejects.toThrow('could not be read when it was received');
    const report = await inbox.replay({ consumerGroup: 'g' }, { by: 'eve' });
    expect(report).toMatchObject({ replayed: 1, unreadable: 2, finished: true });
    expect((await inbox.list()).letters).toHaveLength(2);
  });
});
