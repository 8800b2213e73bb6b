import { afterAll, beforeAll, expect, it } from 'vitest';
import { enqueue, Inbox, readBacklog, Relay } from '../src/index.ts';
import { createTestSchema, type TestSchema } from './support/database.ts';
import { RecordingBroker } from '../src/testing/index.ts';

let schema: TestSchema;

beforeAll(async () => {
  schema = await createTestSchema();
});
afterAll(() => schema.drop());

it('tells what waits, for how long, and who owns the lanes', async () => {
  expect(await readBacklog(schema.database)).toEqual({
    outbox: { pending: 0, oldestMs: 0, retrying: 0 },
    inbox: [],
    lanes: [{ instance: '', lanes: 64 }],
  });
  const broker = new RecordingBroker();
  broker.decide = () => 'retry';
  const relay = new Relay({ database: schema.database, publisher: broker.publisher(), instanceId: 'one' });
  const inbox = new Inbox({
    database: schema.database,
    consumerGroup: 'g',
    handlers: { '*': () => Promise.reject(new Error('no')) },
  });
  await schema.database.transaction((tx) =>
    enqueue(tx, [{ topic: 't', messageKey: 'k', shardingKey: 's', payload: {} }]),
  );
  await inbox.receive([{ topic: 't', messageKey: 'k', body: '{}' }]);
  await relay.start();
  await expect.poll(async () => (await readBacklog(schema.database)).outbox.retrying).toBe(1);
  const backlog = await readBacklog(schema.database);
  expect(backlog.outbox.oldestMs).toBeGreaterThan(0);
  expect(backlog).toMatchObject({
    outbox: { pending: 1 },
    inbox: [{ consumerGroup: 'g', pending: 1 }],
    lanes: [{ instance: 'one', lanes: 64 }],
  });
  await relay.close();
  await inbox.close();
});
