import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Admin } from '@dt/rocketmq-client';
import { eventually, type RunningBroker, startBroker } from '@dt/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { createLog } from '../../src/log/index.ts';
import { startMessaging } from '../../src/messaging/index.ts';
import { projectionHandlers } from '../../src/projections/index.ts';
import { openTable, type Table, TOPIC } from '../game/table.ts';
import { delivered, outboxCounts, target } from './harness.ts';

const GROUP = 'game-consumer';
const aclFile = fileURLToPath(new URL('../../../../docker/plain_acl.yml', import.meta.url));
const operator = { accessKey: 'rocketmq-admin', secretKey: 'change-me-admin' };

let broker: RunningBroker;
let table: Table;
let shipped: string;
let marks = 0;

beforeAll(async () => {
  shipped = await readFile(aclFile, 'utf8');
  [broker, table] = await Promise.all([
    startBroker(target, { aclFile, autoCreateTopics: false }),
    openTable(),
  ]);
});
afterAll(() => Promise.all([broker.close(), table.close()]));
beforeEach(() => table.database.query('TRUNCATE outbox, inbox'));

async function withAdmin<T>(
  credentials: { accessKey: string; secretKey: string },
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  await using admin = new Admin({ nameServers: broker.nameServer, credentials });
  await admin.start();
  return await work(admin);
}

/** Puts rules in place and waits until the broker goes by them: they carry an account by which that is seen. */
async function setRules(change: (rules: string) => string): Promise<void> {
  const rules = change(shipped);
  marks += 1;
  const mark = { accessKey: `mark-number-${marks}`, secretKey: 'mark-secret' };
  await broker.replaceAcl(
    `${rules}\n  - accessKey: ${mark.accessKey}\n    secretKey: ${mark.secretKey}\n    admin: false\n`,
  );
  await eventually(
    () =>
      withAdmin(mark, (admin) => admin.brokerRuntimeInfo(broker.brokerAddress)).then(
        () => true,
        () => false,
      ),
    { timeoutMs: 30_000, intervalMs: 250, what: 'the new rules' },
  );
}

/** The server's messaging, and what it writes to the log. */
function serve(): string[] {
  const config = loadConfig({
    env: {},
    overrides: [
      ['name_server', broker.nameServer],
      ['topic_settle', TOPIC],
      ['consumer_group', GROUP],
      ['access_key', 'rocketmq'],
      ['secret_key', 'rocketmq123'],
    ].map(([key, value]) => ({ path: `rocketmq.${key}`, value: value ?? '' })),
  }).config;
  const lines: string[] = [];
  const messaging = startMessaging({
    config: config.rocketmq,
    outbox: config.outbox,
    inbox: config.inbox,
    database: table.database,
    handlers: projectionHandlers(),
    log: createLog({ destination: { write: (line) => lines.push(line) } }),
  });
  onTestFinished(() => messaging.close());
  return lines;
}

async function play(): Promise<void> {
  const player = await table.player();
  const round = await table.start();
  await table.bet(player, round, 1, 1000n);
  await table.events(round, 2, 3, 4);
  await table.draw(round, 'D12,T4,Rd');
  await table.event(round, 5);
}

const arrives = (): Promise<void> => delivered({ database: table.database, consumerGroup: GROUP });

const says = (lines: readonly string[], line: RegExp): Promise<unknown> =>
  eventually(() => lines.some((text) => line.test(text)), {
    timeoutMs: 20_000,
    what: `a line like ${line}`,
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; the log has:\n${lines.join('')}`);
  });

describe(`the server at a ${target} broker with docker/plain_acl.yml`, () => {
  it('may not create the topic: says so, rows wait, and go out once an operator has created it', async () => {
    const lines = serve();
    await play();
    await says(lines, /^\[WARN\] rocketmq: topic not created topic=dt_settle err=.*AclException/m);
    expect(await outboxCounts(table.database)).toMatchObject({ sent: 0, dead: 0 });
    await withAdmin(operator, (admin) =>
      admin.createTopic({ topic: TOPIC, readQueueNums: 4, writeQueueNums: 4 }),
    );
    await arrives();
  });

  it.each([
    [
      'a key that the broker knows no more',
      (rules: string) => rules.replace('accessKey: rocketmq\n', 'accessKey: somebody\n'),
      /No PlainAccessResource for accessKey=rocketmq/,
    ],
    [
      'a secret that is another',
      (rules: string) => rules.replace('secretKey: rocketmq123', 'secretKey: rocketmq124'),
      /Check signature failed for accessKey=rocketmq/,
    ],
    [
      'no right to the topic',
      (rules: string) => rules.replace('- dt_settle=PUB|SUB', '- other=PUB|SUB'),
      /No default permission for topic:dt_settle/,
    ],
  ])('has %s: the log names it, rows wait, and arrive without a restart', async (_what, change, text) => {
    expect(change(shipped)).not.toBe(shipped);
    await setRules(change);
    const lines = serve();
    await play();
    await says(
      lines,
      new RegExp(
        `^\\[WARN\\] outbox: relay failed, trying again during=publish err=.*AclException: ${text.source}`,
        'm',
      ),
    );
    expect(await outboxCounts(table.database)).toMatchObject({ sent: 0, dead: 0 });
    expect(lines.join('')).not.toMatch(/rocketmq12[34]/);
    await setRules((rules) => rules);
    await arrives();
  });

  it('has no right to the group: the log names it, messages stay with the broker, and arrive without a restart', async () => {
    await setRules((rules) => rules.replace('- game-consumer=SUB', '- other-group=SUB'));
    const lines = serve();
    await play();
    await says(lines, /AclException: No default permission for (topic:%RETRY%|group:)game-consumer/);
    const { rowCount } = await table.database.query('SELECT FROM inbox');
    expect(rowCount).toBe(0);
    await setRules((rules) => rules);
    await arrives();
  });
});
