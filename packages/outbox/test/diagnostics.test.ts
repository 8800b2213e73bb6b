import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import { enqueue, Inbox, type InboxBatch, Relay, type RelayBatch, Retention } from '../src/index.ts';
import { RecordingBroker } from '../src/testing/index.ts';
import { createTestSchema, type TestSchema } from './support/database.ts';

let schema: TestSchema;

beforeAll(async () => {
  schema = await createTestSchema();
});
afterAll(() => schema.drop());

it('tells on channels and hooks what relay, inbox and retention do, with latencies', async () => {
  const told: Record<string, object[]> = {};
  const listeners = ['outbox:batch', 'outbox:error', 'outbox:retention', 'inbox:batch', 'inbox:error'].map(
    (name) => {
      const list: object[] = (told[name] = []);
      const listener = (payload: unknown): void => {
        list.push(payload as object);
      };
      subscribe(name, listener);
      return { name, listener };
    },
  );
  const { database } = schema;
  const hooked: { outbox: RelayBatch[]; inbox: InboxBatch[] } = { outbox: [], inbox: [] };
  const broker = new RecordingBroker();
  broker.down = new Error('down');
  const relay = new Relay({
    database,
    publisher: broker.publisher(),
    instanceId: 'one',
    outage: { initialMs: 20, maxMs: 50 },
    onBatch: (batch) => hooked.outbox.push(batch),
  });
  const inbox = new Inbox({
    database,
    consumerGroup: 'g',
    handlers: { good: async () => {}, bad: () => Promise.reject(new Error('no')) },
    onBatch: (batch) => hooked.inbox.push(batch),
  });
  const retention = new Retention({ database, everyMs: 20 });
  await database.transaction((tx) =>
    enqueue(tx, [
      { topic: 't', messageKey: 'a', shardingKey: 'a', payload: {} },
      { topic: 't', messageKey: 'b', shardingKey: 'b', payload: {} },
    ]),
  );
  await schema.pool.query(`UPDATE outbox SET created_at = created_at - interval '1 minute'`);
  await relay.start();
  await eventually(() => (told['outbox:error']?.length ?? 0) > 0);
  broker.down = undefined;
  await eventually(() => relay.stats().sent === 2);
  await inbox.receive([
    { topic: 't', tag: 'good', messageKey: 'a', body: '{}', sentAtMs: Date.now() - 2000 },
  ]);
  await inbox.receive([{ topic: 't', tag: 'bad', messageKey: 'b', body: '{}' }]);
  await retention.start();
  await eventually(() => (told['outbox:retention']?.length ?? 0) >= 2);
  await Promise.all([relay.close(), inbox.close(), retention.close()]);
  for (const { name, listener } of listeners) unsubscribe(name, listener);

  expect(told['outbox:error']?.[0]).toMatchObject({
    instanceId: 'one',
    during: 'publish',
    error: broker.down ?? {},
  });
  const sent = told['outbox:batch']?.at(-1) as RelayBatch;
  expect(sent).toEqual({ ...hooked.outbox.at(-1), instanceId: 'one' });
  expect(sent.oldestMs).toBeGreaterThan(60_000);
  expect(sent.oldestMs).toBeLessThan(120_000);
  expect(told['inbox:batch']).toEqual(hooked.inbox.map((batch) => ({ ...batch, consumerGroup: 'g' })));
  expect(hooked.inbox[0]?.oldestMs).toBeGreaterThanOrEqual(2000);
  expect(hooked.inbox[1]?.oldestMs).toBeUndefined();
  expect(told['inbox:error']).toMatchObject([
    { consumerGroup: 'g', messageKey: 'b', tag: 'bad', attempt: 1 },
  ]);
  expect(told['outbox:retention']).toMatchObject([{ box: 'outbox', dropped: 0 }, { box: 'inbox' }]);
});
