// The road of one message by the parts alone: outbox row, RocketMQ, inbox row and effect, on the broker of the run.
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  enqueue,
  fromPgPool,
  Inbox,
  type InboxMessage,
  migrate,
  Relay,
  rocketmqPublisher,
  rocketmqReceiver,
} from '@dt/outbox';
import { Admin, Producer, PushConsumer } from '@dt/rocketmq-client';
import {
  createTestDatabase,
  eventually,
  type RunningBroker,
  startBroker,
  type TestDatabase,
  uniqueName,
} from '@dt/testkit';
import { target } from './harness.ts';

let broker: RunningBroker;
let test: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  broker = await startBroker(target);
  test = await createTestDatabase();
  pool = new pg.Pool({ ...test.connection, max: 8 });
  pool.on('error', () => {});
});
afterAll(async () => {
  await pool.end();
  await test.drop();
  await broker.close();
});

it(`headers travel with a message over the ${target} broker to the handler, and what it refuses is dead with its reason`, async () => {
  const database = fromPgPool(pool);
  await migrate(database);
  const topic = uniqueName('road');
  const common = {
    nameServers: broker.nameServer,
    credentials: { accessKey: 'rocketmq', secretKey: 'rocketmq123' },
  };
  await using admin = new Admin(common);
  await admin.start();
  await admin.createTopic({ topic, readQueueNums: 4, writeQueueNums: 4 });
  await using producer = new Producer({ ...common, group: uniqueName('producer') });
  await producer.start();
  const relay = new Relay({ database, publisher: rocketmqPublisher(producer) });
  const handled: InboxMessage[] = [];
  const group = uniqueName('group');
  const inbox = new Inbox({
    database,
    consumerGroup: group,
    handlers: { '*': async (_tx, message) => void handled.push(message) },
  });
  const consumer = new PushConsumer({
    ...common,
    group,
    subscriptions: [{ topic, expression: '*' }],
    from: 'first',
    onError: 'suspend',
    handler: rocketmqReceiver(inbox),
  });
  try {
    await relay.start();
    await consumer.start();
    const headers = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'x-own': 'ünï',
    };
    await database.transaction((tx) =>
      enqueue(
        tx,
        [
          { topic, tag: 'a', messageKey: 'k-1', shardingKey: 'p', payload: { n: 1 }, headers },
          // Within the row's limit, and beyond what the broker stores.
          { topic, messageKey: 'k-2', shardingKey: 'p', payload: { pad: 'x'.repeat(5 * 1024 * 1024) } },
          { topic, messageKey: 'k-3', shardingKey: 'p', payload: { n: 3 } },
        ],
        { maxPayloadBytes: 8 * 1024 * 1024 },
      ),
    );
    relay.kick();
    await eventually(() => handled.length === 2, { timeoutMs: 60_000 });
    expect(handled).toMatchObject([
      { messageKey: 'k-1', topic, tag: 'a', shardingKey: 'p', payload: { n: 1 }, headers },
      { messageKey: 'k-3', payload: { n: 3 } },
    ]);
    const rows = async (text: string): Promise<unknown[]> => (await pool.query(text)).rows as unknown[];
    await eventually(async () => (await rows('SELECT FROM outbox WHERE status = 0')).length === 0);
    expect(
      await rows(
        'SELECT message_key, status, queue_offset::int, last_error, message_id FROM outbox ORDER BY id',
      ),
    ).toEqual([
      { message_key: 'k-1', status: 1, queue_offset: 0, last_error: null, message_id: handled[0]?.messageId },
      {
        message_key: 'k-2',
        status: 2,
        queue_offset: null,
        last_error: expect.stringMatching(/body|size|large/i) as string,
        message_id: null,
      },
      { message_key: 'k-3', status: 1, queue_offset: 1, last_error: null, message_id: handled[1]?.messageId },
    ]);
    expect(await rows('SELECT headers FROM inbox ORDER BY id LIMIT 1')).toMatchObject([{ headers }]);
  } finally {
    await consumer.close();
    await inbox.close();
    await relay.close();
  }
});
