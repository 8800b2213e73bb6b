import { enqueue, Relay } from '@dt/outbox';
import { RecordingBroker } from '@dt/outbox/testing';
import { eventually } from '@dt/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLog } from '../../src/log/index.ts';
import { startMessaging } from '../../src/messaging/index.ts';
import { openTable, type Table } from '../game/table.ts';

let table: Table;
beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());

it('an instance without a relay wakes the one of another instance', async () => {
  const { database } = table;
  const broker = new RecordingBroker();
  const relay = new Relay({ database, publisher: broker.publisher(), pollMs: 60_000 });
  await relay.start();
  const messaging = startMessaging({
    // Nothing is opened there, for this instance neither sends nor receives.
    config: {
      name_server: '127.0.0.1:1',
      producer_group: 'p',
      consumer_group: 'c',
      topic_settle: 't',
      access_key: 'rocketmq',
      secret_key: 'rocketmq123',
    },
    outbox: { retention_hours: 0, oldest_pending_limit_seconds: 0 },
    inbox: { retention_hours: 0, short_memory: 'refuse' },
    database,
    handlers: {},
    log: createLog({ level: 'silent' }),
    relay: false,
    consumer: false,
  });
  await eventually(async () => {
    const { rows } = await database.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
    );
    return rows.length === 1 && relay.stats().lanes === 64;
  });
  for (let i = 0; i < 3; i++) {
    const message = { topic: 't', messageKey: `m-${i}`, shardingKey: `key-${i}`, payload: {} };
    await database.transaction((tx) => enqueue(tx, [message]));
    messaging.committed();
    await eventually(() => broker.log.length === i + 1, { timeoutMs: 5000 });
  }
  await messaging.close();
  await relay.close();
  expect(broker.log.map(({ messageKey }) => messageKey)).toEqual(['m-0', 'm-1', 'm-2']);
});
