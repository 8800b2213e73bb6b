import { fileURLToPath } from 'node:url';
import { Admin } from '@dt/rocketmq-client';
import { eventually, type RunningBroker, startBroker, uniqueName } from '@dt/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Config, loadConfig } from '../../src/config/index.ts';
import { createLog } from '../../src/log/index.ts';
import { startMessaging } from '../../src/messaging/index.ts';
import { redeliverySpanMs } from '../../src/messaging/redelivery.ts';
import { openTable, type Table } from '../game/table.ts';
import { target } from './harness.ts';

const aclFile = fileURLToPath(new URL('../../../../docker/plain_acl.yml', import.meta.url));
const hourMs = 3_600_000;

let open: RunningBroker;
let locked: RunningBroker;
let table: Table;

beforeAll(async () => {
  [open, locked, table] = await Promise.all([
    startBroker(target),
    startBroker(target, { aclFile }),
    openTable(),
  ]);
});
afterAll(async () => {
  await Promise.all([open.close(), locked.close(), table.close()]);
});

function configOf(broker: RunningBroker, settings: Record<string, string> = {}): Config {
  const all: Record<string, string> = {
    'rocketmq.name_server': broker.nameServer,
    'rocketmq.topic_settle': uniqueName('settle'),
    'rocketmq.consumer_group': uniqueName('group'),
    'rocketmq.access_key': 'rocketmq',
    'rocketmq.secret_key': 'rocketmq123',
    ...settings,
  };
  const overrides = Object.entries(all).map(([path, value]) => ({ path, value }));
  return loadConfig({ env: {}, overrides }).config;
}

function logged(): { lines: string[]; log: ReturnType<typeof createLog> } {
  const lines: string[] = [];
  return { lines, log: createLog({ destination: { write: (line: string) => lines.push(line) } }) };
}

async function withAdmin<T>(broker: RunningBroker, work: (admin: Admin) => Promise<T>): Promise<T> {
  const credentials = { accessKey: 'rocketmq-admin', secretKey: 'change-me-admin' };
  await using admin = new Admin({ nameServers: broker.nameServer, credentials });
  await admin.start();
  return await work(admin);
}

it(`asks the brokers for how long they keep messages and redeliver them (${target})`, async () => {
  const { rocketmq } = configOf(open);
  const { lines, log } = logged();
  await withAdmin(open, async (admin) => {
    await admin.createTopic({ topic: rocketmq.topic_settle, readQueueNums: 1, writeQueueNums: 1 });
    const [master] = [...(await admin.topicRoute(rocketmq.topic_settle)).brokers.values()];
    const address = master?.brokerAddrs['0'] ?? '';
    const reservedHours = Number((await admin.brokerConfig(address))['fileReservedTime']);
    const ofNoGroup = await redeliverySpanMs(rocketmq, log);
    expect(ofNoGroup).toBeGreaterThan((reservedHours + 24) * hourMs);
    await admin.createSubscriptionGroup({ group: rocketmq.consumer_group, retryMaxTimes: 0 });
    expect(await redeliverySpanMs(rocketmq, log)).toBe((reservedHours + 24) * hourMs);
  });
  expect(lines).toEqual([]);
});

it(`assumes the default, with a warning, where it may not ask (${target})`, async () => {
  const { rocketmq } = configOf(locked, { 'rocketmq.secret_key': 'wrong-secret-key' });
  const topic = { topic: rocketmq.topic_settle, readQueueNums: 1, writeQueueNums: 1 };
  await withAdmin(locked, (admin) => admin.createTopic(topic));
  const { lines, log } = logged();
  expect(await redeliverySpanMs(rocketmq, log)).toBeGreaterThan(96 * hourMs);
  expect(lines.join('')).toMatch(/cannot ask for how long messages may come again.*assumedHours=101/);
  expect(lines.join('')).not.toContain('wrong-secret-key');
});

it(`drops nothing where the inbox would forget too early, unless told to (${target})`, async () => {
  const run = async (shortMemory: string, expected: RegExp): Promise<string> => {
    const config = configOf(open, { 'inbox.retention_hours': '48', 'inbox.short_memory': shortMemory });
    const { lines, log } = logged();
    const messaging = startMessaging({
      config: config.rocketmq,
      outbox: config.outbox,
      inbox: config.inbox,
      database: table.database,
      handlers: {},
      log,
    });
    await eventually(() => lines.some((line) => expected.test(line)), { timeoutMs: 30_000 });
    await messaging.close();
    return lines.find((line) => expected.test(line)) ?? '';
  };
  expect(await run('refuse', /^\[ERROR\] retention: nothing is dropped/)).toMatch(/inboxMs is 172800000/);
  expect(await run('warn', /^\[WARN\] retention: the inbox forgets too early/)).toMatch(
    /inboxMs is 172800000/,
  );
});
