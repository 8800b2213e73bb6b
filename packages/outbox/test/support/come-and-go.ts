import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '@dt/testkit';
import { expect } from 'vitest';
import { enqueue, type OutboxMessage, Relay } from '../../src/index.ts';
import { RecordingBroker } from '../../src/testing/index.ts';
import { type TestSchema } from './database.ts';

const KEYS = 60;
const LEASE_MS = 600;
/** Well within the lease: nobody waits for it to run out. */
const AT_ONCE_MS = LEASE_MS / 2;

/**
 * Lets relays come and go, in so many turns up to `most` of them and down to one, while rows flow. Lanes are shared out
 * fairly each time, nothing is sent twice, nothing overtakes.
 */
export async function comeAndGo(
  schema: TestSchema,
  most: number,
  turns: number,
): Promise<{ written: number }> {
  await schema.reset();
  const broker = new RecordingBroker();
  broker.before = () => pause(3);
  const relays: Relay[] = [];
  const join = async (): Promise<void> => {
    const relay = new Relay({
      database: schema.database,
      publisher: broker.publisher(),
      batchSize: 20,
      concurrency: 2,
      pollMs: 50,
      leaseMs: LEASE_MS,
    });
    relays.push(relay);
    await relay.start();
  };
  const expectFair = async (): Promise<void> => {
    const fair = [Math.floor(64 / relays.length), Math.ceil(64 / relays.length)];
    await eventually(() => {
      const lanes = relays.map((relay) => relay.stats().lanes);
      expect(lanes.reduce((sum, count) => sum + count, 0)).toBe(64);
      for (const count of lanes) expect(fair).toContain(count);
      return true;
    });
  };
  const stop = new AbortController();
  const writing = write(schema, relays, stop.signal);
  try {
    for (let turn = 0; turn < turns; turn++) {
      while (relays.length < most) await join();
      await expectFair();
      while (relays.length > 1) await relays.shift()?.close();
      const leftMs = performance.now();
      await eventually(() => relays[0]?.stats().lanes === 64, { intervalMs: 5 });
      // By the next beat of the one that stays; a machine with other things to do may be late itself.
      expect(performance.now() - leftMs).toBeLessThan(AT_ONCE_MS + 1000);
    }
    stop.abort();
    const written = await writing;
    await eventually(() => broker.log.length >= written.length, { timeoutMs: 30_000 });
    await relays[0]?.close();
    expect(broker.log.length, 'nothing is sent twice').toBe(written.length);
    const expected = new Map<string, string[]>();
    for (const { shardingKey, messageKey } of written) {
      expected.set(shardingKey, [...(expected.get(shardingKey) ?? []), messageKey]);
    }
    expect(broker.firstArrivals(), 'nothing overtakes').toEqual(expected);
    const { rows } = await schema.pool.query(
      'SELECT max(attempts) AS attempts, max(crashes) AS crashes, min(status) AS status FROM outbox',
    );
    expect(rows).toEqual([{ attempts: 1, crashes: 0, status: 1 }]);
    return { written: written.length };
  } finally {
    stop.abort();
    await writing;
    await Promise.all(relays.map((relay) => relay.close()));
  }
}

async function write(
  schema: TestSchema,
  relays: readonly Relay[],
  signal: AbortSignal,
): Promise<readonly OutboxMessage[]> {
  const written: OutboxMessage[] = [];
  while (!signal.aborted) {
    const messages = Array.from({ length: 10 }, (_, i) => ({
      topic: 't',
      messageKey: `${written.length + i}`,
      shardingKey: `key-${(written.length + i) % KEYS}`,
      payload: {},
    }));
    await schema.database.transaction((tx) => enqueue(tx, messages));
    written.push(...messages);
    for (const relay of relays) relay.kick();
    await pause(5);
  }
  return written;
}
