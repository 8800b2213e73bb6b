import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import { enqueue, type PublishOutcome, Relay } from '../../src/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';
import { RecordingBroker } from '../../src/testing/index.ts';

let schema: TestSchema;

beforeAll(async () => {
  schema = await createTestSchema();
});
afterAll(() => schema.drop());

const transaction = fc.record({
  keys: fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 12 }),
  holdMs: fc.integer({ min: 0, max: 15 }),
  rollback: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});
type Transaction = typeof transaction extends fc.Arbitrary<infer T> ? T : never;
const disturbance = fc.record({
  afterMs: fc.integer({ min: 1, max: 25 }),
  what: fc.constantFrom('join', 'leave', 'steal lanes', 'broker down', 'broker up', 'break connections'),
});
const history = fc.record({
  writers: fc.array(fc.array(transaction, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 }),
  disturbances: fc.array(disturbance, { maxLength: 8 }),
  /** What happens to the n-th attempt of a key, again from the start after the last. */
  outcomes: fc.array(fc.constantFrom<PublishOutcome['status']>('sent', 'sent', 'sent', 'retry'), {
    minLength: 1,
    maxLength: 9,
  }),
  batchSize: fc.integer({ min: 1, max: 30 }),
  sendMs: fc.integer({ min: 0, max: 6 }),
});

it('sends everything that committed, each sharding key in the order of its commits, whatever happens meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ writers, disturbances, outcomes, batchSize, sendMs }) => {
      await schema.reset();
      const broker = new RecordingBroker();
      let attempt = 0;
      broker.before = () => sleep(sendMs);
      broker.decide = () => outcomes[attempt++ % outcomes.length] ?? 'sent';
      const relays: Relay[] = [];
      const join = async (): Promise<void> => {
        const relay = new Relay({
          database: schema.database,
          publisher: broker.publisher(),
          batchSize,
          pollMs: 20,
          leaseMs: 600,
          retry: { initialMs: 1, maxMs: 10 },
          outage: { initialMs: 1, maxMs: 10 },
        });
        relays.push(relay);
        // A broken connection may hit the start.
        while (!relay.stats().running) await relay.start().catch(() => {});
      };
      await join();
      const write = async (list: readonly Transaction[], w: number): Promise<void> => {
        for (const [t, { keys, holdMs, rollback }] of list.entries()) {
          const messages = keys.map((key, i) => ({
            topic: 't',
            messageKey: `${w}.${t}.${i}`,
            shardingKey: `key-${key}`,
            payload: {},
          }));
          await schema.database
            .transaction(async (tx) => {
              await enqueue(tx, messages, { lockKeys: true });
              await sleep(holdMs);
              if (rollback) throw new Error('rolled back on purpose');
            })
            .catch(() => {});
          for (const relay of relays) relay.kick();
        }
      };
      const disturb = async (): Promise<void> => {
        for (const { afterMs, what } of disturbances) {
          await sleep(afterMs);
          switch (what) {
            case 'join':
              if (relays.length < 4) await join();
              break;
            case 'leave':
              if (relays.length > 1) await relays.shift()?.close();
              break;
            case 'steal lanes':
              await schema.pool.query(
                `UPDATE outbox_lanes SET owner = NULL, epoch = epoch + 1 WHERE lane % 2 = 0`,
              );
              break;
            case 'broker down':
              broker.down = new Error('down');
              break;
            case 'broker up':
              broker.down = undefined;
              break;
            case 'break connections':
              await schema.pool.query(
                `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()`,
              );
              break;
          }
        }
      };
      try {
        await Promise.all([...writers.map(write), disturb()]);
        broker.down = undefined;
        outcomes = ['sent'];
        await eventually(
          async () => {
            const { rows } = await schema.pool.query('SELECT 1 FROM outbox WHERE status <> 1 LIMIT 1');
            return rows.length === 0;
          },
          { timeoutMs: 15_000 },
        );
        const { rows } = await schema.pool.query<{ sharding_key: string; keys: string[] }>(
          'SELECT sharding_key, array_agg(message_key ORDER BY id) AS keys FROM outbox GROUP BY 1',
        );
        expect(broker.firstArrivals()).toEqual(new Map(rows.map((row) => [row.sharding_key, row.keys])));
      } finally {
        await Promise.all(relays.map((relay) => relay.close()));
      }
    }),
    { numRuns: 15 },
  );
}, 120_000);
