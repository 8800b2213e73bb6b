import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Admin } from '@dt/rocketmq-client';
import { eventually, findFreePort, proxyRocketmq, type RunningBroker, startBroker } from '@dt/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Config, loadConfig } from '../../src/config/index.ts';
import { report } from '../../src/cli/doctor.ts';
import { createLog } from '../../src/log/index.ts';
import { startMessaging } from '../../src/messaging/index.ts';
import { type DoctorOptions, examine, type Point } from '../../src/operations/doctor/index.ts';
import { projectionHandlers } from '../../src/projections/index.ts';
import { dt } from '../cli/dt.ts';
import { openTable, type Table, TOPIC } from '../game/table.ts';
import { delivered, target } from './harness.ts';

const GROUP = 'game-consumer';
const aclFile = fileURLToPath(new URL('../../../../docker/plain_acl.yml', import.meta.url));

let open: RunningBroker;
let locked: RunningBroker;
let table: Table;

beforeAll(async () => {
  [open, locked, table] = await Promise.all([
    startBroker(target),
    startBroker(target, { aclFile, autoCreateTopics: false }),
    openTable(),
  ]);
});
afterAll(async () => {
  await Promise.all([open.close(), locked.close(), table.close()]);
});
beforeEach(async () => {
  await table.database.query('TRUNCATE outbox, inbox');
});

type Settings = Partial<Config['rocketmq']>;

const overrides = (settings: Settings) =>
  Object.entries({
    name_server: open.nameServer,
    access_key: 'rocketmq',
    secret_key: 'rocketmq123',
    topic_settle: TOPIC,
    consumer_group: GROUP,
    ...settings,
  }).map(([key, value]) => ({ path: `rocketmq.${key}`, value }));

const configOf = (settings: Settings = {}): Config =>
  loadConfig({ env: {}, overrides: overrides(settings) }).config;

const look = (settings: Settings = {}, options: Partial<DoctorOptions> = {}): Promise<Point[]> =>
  examine({ config: configOf(settings), database: async () => table.database, ...options });

/** The cases of one point, faults before warnings. */
const casesOf = (points: readonly Point[], name: string): string[] =>
  (points.find((point) => point.name === name)?.faults ?? []).map(
    ({ case: found, severity }) => `${severity} ${found}`,
  );
const stateOf = (points: readonly Point[], name: string): string | undefined =>
  points.find((point) => point.name === name)?.state;
const evidenceOf = (points: readonly Point[], name: string): string =>
  (points.find((point) => point.name === name)?.faults ?? []).map(({ evidence }) => evidence).join('\n');

async function withAdmin<T>(
  nameServers: string,
  credentials: { accessKey: string; secretKey: string } | undefined,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  await using admin = new Admin({ nameServers, ...(credentials && { credentials }) });
  await admin.start();
  return await work(admin);
}

/** A server's relay and consumer, or one of them. */
function run(parts: { relay: boolean; consumer: boolean }): { close(): Promise<void> } {
  const config = configOf();
  const messaging = startMessaging({
    config: config.rocketmq,
    outbox: config.outbox,
    inbox: config.inbox,
    database: table.database,
    handlers: projectionHandlers(),
    log: createLog({ level: 'silent' }),
    ...parts,
  });
  onTestFinished(() => messaging.close());
  return messaging;
}

/** A round with one settled bet; gives the bill number. */
async function play(): Promise<string> {
  const player = await table.player();
  const round = await table.start();
  const { billNo } = await table.bet(player, round, 1, 1000n);
  await table.events(round, 2, 3, 4);
  await table.draw(round, 'D12,T4,Rd');
  await table.event(round, 5);
  return billNo;
}

/** Where connections are taken and nothing is ever said. */
async function silentPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The NameServer as another machine reaches it: under an address of this one that is not loopback. */
async function fromOutside(nameServer: string): Promise<string> {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = interfaces.find(({ internal, family }) => !internal && family === 'IPv4');
  // A machine without a network reaches itself through the address of all.
  const host = outside?.address ?? '0.0.0.0';
  const [to = '', port] = nameServer.split(':');
  const server = createServer((near) => {
    const far = connect(Number(port), to);
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  }).listen(0, host);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `${host}:${(server.address() as AddressInfo).port}`;
}

const allDelivered = (): Promise<void> => delivered({ database: table.database, consumerGroup: GROUP });

describe(`dt doctor on ${target} RocketMQ`, () => {
  it('finds nothing that fails while all of it works, and names what is not for production', async () => {
    run({ relay: true, consumer: true });
    await play();
    await allDelivered();
    let points: Point[] = [];
    await eventually(
      async () => {
        points = await look();
        return points.every(({ state }) => state === 'ok' || state === 'warning');
      },
      { timeoutMs: 20_000, what: 'eight points that do not fail' },
    ).catch(() => undefined);
    expect(report(points).filter((line) => /^[✖-]/.test(line))).toEqual([]);
    expect(points.map(({ point }) => point)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(casesOf(points, 'production')).toEqual(['warning shipped-keys', 'warning auto-create']);
    expect(report(points).at(-1)).toBe('no point fails');
    // The warning is a fault where it is asked for.
    expect(stateOf(await look({}, { production: true }), 'production')).toBe('failed');
  });

  it('names a group without members, its lag, a producer that is not there, and sent rows that nobody applied', async () => {
    const all = run({ relay: true, consumer: true });
    await play();
    await allDelivered();
    await all.close();
    const relay = run({ relay: true, consumer: false });
    await play();
    await eventually(
      async () => (await table.database.query('SELECT FROM outbox WHERE status <> 1')).rowCount === 0,
      { timeoutMs: 20_000, what: 'the sends' },
    );
    await relay.close();
    await table.database.query(`UPDATE outbox SET sent_at = sent_at - interval '1 minute'`);
    const points = await look({}, { maxLag: 1 });
    expect(casesOf(points, 'producer')).toEqual(['fault no-producer']);
    expect(casesOf(points, 'consumer')).toEqual(['fault no-members', 'fault consumer-lag']);
    expect(casesOf(points, 'inbox')).toEqual(['fault not-applied']);
    expect(stateOf(points, 'outbox')).toBe('ok');
  });

  it('names rows that wait, with their error, and dead ones', async () => {
    await table.database.query(
      `INSERT INTO outbox (topic, message_key, sharding_key, payload, status, last_error, created_at)
       VALUES ($1, 'waits', 'k', '{}', 0, 'org.apache.rocketmq.acl.common.AclException: No default permission for topic:dt_settle',
               now() - interval '1 minute'),
              ($1, 'dead', 'k', '{}', 2, 'too large', now())`,
      [TOPIC],
    );
    await table.database.query(
      `INSERT INTO inbox (consumer_group, message_key, topic, sharding_key, status, last_error, received_at)
       VALUES ($1, 'waits', $2, 'k', 0, 'no such account', now() - interval '1 minute'), ($1, 'dead', $2, 'k', 2, 'bad', now())`,
      [GROUP, TOPIC],
    );
    const points = await look();
    expect(casesOf(points, 'outbox')).toEqual([
      'fault topic-permission',
      'fault rows-wait',
      'fault dead-rows',
    ]);
    expect(casesOf(points, 'inbox')).toEqual(['fault rows-wait', 'fault dead-rows']);
    expect(evidenceOf(points, 'inbox')).toContain('last error: no such account');
  });

  it('tells not configured from a missing key', async () => {
    const none = await look({ name_server: '' });
    expect(stateOf(none, 'rocketmq')).toBe('skipped');
    expect(casesOf(none, 'configuration')).toEqual(['fault not-configured']);
    const keyless = await look({ secret_key: '' });
    expect(casesOf(keyless, 'configuration')).toEqual(['fault key-missing']);
    expect(evidenceOf(keyless, 'configuration')).toMatch(/^rocketmq\.secret_key is empty/);
    expect(stateOf(keyless, 'rocketmq')).toBe('ok');
    const { config, originOf } = loadConfig({ env: {}, overrides: overrides({ access_key: 'mine' }) });
    const whole = await examine({ config, originOf, database: async () => table.database });
    const { found } = whole.find(({ name }) => name === 'configuration') ?? { found: '' };
    expect(found).toContain('access_key mine (--set), secret_key (--set); keys taken by the broker');
    expect(found).not.toContain('rocketmq123');
  });

  it('tells a NameServer that refuses from one that does not answer and from a name that is unknown', async () => {
    const refuses = await look({ name_server: `127.0.0.1:${await findFreePort()}` });
    expect(casesOf(refuses, 'rocketmq')).toEqual(['fault name-server-refuses']);
    expect(stateOf(refuses, 'topic')).toBe('skipped');
    const port = await silentPort();
    expect(casesOf(await look({ name_server: `127.0.0.1:${port}` }), 'rocketmq')).toEqual([
      'fault name-server-timeout',
    ]);
    expect(casesOf(await look({ name_server: 'no-such-host.invalid:9876' }), 'rocketmq')).toEqual([
      expect.stringMatching(/^fault name-server-(unreachable|timeout)$/),
    ]);
  });

  it('names an address of a broker that cannot be reached', async () => {
    await using proxies = await proxyRocketmq(open);
    await proxies.broker.close();
    const points = await look({ name_server: proxies.nameServer.address });
    expect(casesOf(points, 'rocketmq')).toEqual(['fault broker-unreachable']);
    expect(evidenceOf(points, 'rocketmq')).toContain(
      `hands out ${proxies.broker.address} for broker-a, which cannot be reached from here (refused)`,
    );
  });

  it('ends in time when neither RocketMQ nor the database answers', async () => {
    const port = await silentPort();
    const startedMs = performance.now();
    const { code, stdout } = await dt(
      'doctor',
      ...overrides({ name_server: `127.0.0.1:${port};127.0.0.1:${port}` }).flatMap(({ path, value }) => [
        '--set',
        `${path}=${value}`,
      ]),
      ...['--set', `database.url=postgres://nobody@127.0.0.1:${port}/none`],
    );
    expect(performance.now() - startedMs).toBeLessThan(15_000);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✖ 1 rocketmq /);
    expect(stdout).toMatch(/\n✖ 5 outbox .*\n {4}✖ database: the database cannot be asked: /);
  });

  it('names clocks that differ, and money that does not add up', async () => {
    await play();
    const points = await look({}, { now: () => Date.now() + 60_000 });
    expect(casesOf(points, 'production').filter((name) => name === 'fault clock-skew')).toHaveLength(2);
    expect(evidenceOf(points, 'production')).toMatch(/the clock of broker broker-a is (59|60|61) s behind/);
    expect(evidenceOf(points, 'production')).toMatch(/the clock of database is (59|60|61) s behind/);
    await table.database.query(
      `DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox WHERE tag = 'bet_placed')`,
    );
    expect(casesOf(await look(), 'production')).toContain('fault money');
  });

  it('names a topic that lets nothing in or nothing out', async () => {
    await withAdmin(open.nameServer, undefined, async (admin) => {
      await admin.createTopic({ topic: 'read_only', readQueueNums: 4, writeQueueNums: 4, perm: 4 });
      await admin.createTopic({ topic: 'write_only', readQueueNums: 4, writeQueueNums: 4, perm: 2 });
    });
    for (const [topic, evidence] of [
      ['read_only', '0 queues to write, 4 to read'],
      ['write_only', '4 queues to write, 0 to read'],
    ] as const) {
      await eventually(
        async () => casesOf(await look({ topic_settle: topic }), 'topic').includes('fault topic-closed'),
        { timeoutMs: 20_000, what: `the route of ${topic}` },
      );
      expect(evidenceOf(await look({ topic_settle: topic }), 'topic')).toContain(evidence);
    }
  });

  it('names a broker that other machines cannot reach, when the NameServer is on one', async () => {
    const points = await look({ name_server: await fromOutside(open.nameServer) });
    expect(casesOf(points, 'rocketmq')).toEqual([]);
    expect(casesOf(points, 'production')).toContain('warning broker-address');
    expect(evidenceOf(points, 'production')).toContain(`registered as ${open.brokerAddress}`);
  });

  it('says of a point that it could not be looked at to its end, and goes on with the others', async () => {
    const blocker = await table.database.transaction(async (client) => {
      await client.query('LOCK TABLE outbox, inbox IN ACCESS EXCLUSIVE MODE');
      return look();
    });
    const late = blocker.filter(({ faults }) => faults.some((one) => one.case === 'probe-failed'));
    expect(late.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'outbox failed',
      'inbox failed',
      'production failed',
    ]);
    expect(evidenceOf(blocker, 'outbox')).toBe('no answer within 5000 ms');
    expect(stateOf(blocker, 'rocketmq')).toBe('ok');
  });

  it('names a disk that is full up to where the broker deletes', async () => {
    const setLimit = (percent: string): Promise<void> =>
      withAdmin(open.nameServer, undefined, (admin) =>
        admin.updateBrokerConfig(open.brokerAddress, { diskMaxUsedSpaceRatio: percent }),
      );
    // The least that a real broker takes.
    await setLimit('10');
    const points = await look();
    await setLimit('75');
    expect(casesOf(points, 'rocketmq')).toEqual([
      expect.stringMatching(/^(warning disk-filling|fault disk-full)$/),
    ]);
  });

  describe('with access control and autoCreateTopicEnable=false', () => {
    const at = (settings: Settings): Settings => ({ name_server: locked.nameServer, ...settings });

    it('tells a wrong key from a wrong secret', async () => {
      const key = await look(at({ access_key: 'nobody-here' }));
      expect(casesOf(key, 'configuration')).toEqual(['fault wrong-key']);
      expect(evidenceOf(key, 'configuration')).toContain('No acl config for nobody-here');
      expect(stateOf(key, 'consumer')).toBe('skipped');
      const secret = await look(at({ secret_key: 'rocketmq124' }));
      expect(casesOf(secret, 'configuration')).toEqual(['fault wrong-secret']);
    });

    it('names the missing topic, says why it may not create it, and creates it as an operator', async () => {
      const missing = await look(at({}));
      expect(casesOf(missing, 'configuration')).toEqual([]);
      expect(casesOf(missing, 'topic')).toEqual(['fault topic-missing']);
      const refused = await look(at({}), { fix: true });
      expect(stateOf(refused, 'topic')).toBe('failed');
      expect(evidenceOf(refused, 'topic')).toMatch(
        /autoCreateTopicEnable=false; creating it: .*AclException/,
      );
      const operator = at({ access_key: 'rocketmq-admin', secret_key: 'change-me-admin' });
      const fixed = await look(operator, { fix: true });
      expect(stateOf(fixed, 'topic')).toBe('ok');
      expect(report(fixed).join('\n')).toContain('fixed: created with 8 queues');
      await eventually(async () => stateOf(await look(at({})), 'topic') === 'ok', { timeoutMs: 20_000 });
    });
  });

  it('names a missing group, says why it may not create it, and creates it as an operator', async () => {
    const at = { name_server: locked.nameServer, consumer_group: 'game-consumer' };
    const operator = { access_key: 'rocketmq-admin', secret_key: 'change-me-admin' };
    const allow = (value: string): Promise<void> =>
      withAdmin(
        locked.nameServer,
        { accessKey: operator.access_key, secretKey: operator.secret_key },
        (admin) => admin.updateBrokerConfig(locked.brokerAddress, { autoCreateSubscriptionGroup: value }),
      );
    await allow('false');
    expect(casesOf(await look(at), 'consumer')).toEqual(['fault group-missing', 'fault no-members']);
    const refused = await look(at, { fix: true });
    expect(evidenceOf(refused, 'consumer')).toMatch(
      /has no group game-consumer, and autoCreateSubscriptionGroup=false; creating it: .*AclException/,
    );
    const fixed = await look({ ...at, ...operator }, { fix: true });
    expect(report(fixed).join('\n')).toContain('fixed: created');
    expect(casesOf(await look(at), 'consumer')).toEqual(['fault no-members']);
    await allow('true');
  });

  // What only a real broker does; the last ones, for they take it away.
  describe.skipIf(target === 'embedded' || (process.env['ROCKETMQ_NAMESRV'] ?? '') !== '')(
    'a real broker',
    () => {
      it('with a brokerIP1 that nobody reaches', async () => {
        // A change of brokerPermission has it register again at once.
        await withAdmin(open.nameServer, undefined, (admin) =>
          admin.updateBrokerConfig(open.brokerAddress, { brokerIP1: '127.0.0.77', brokerPermission: '6' }),
        );
        const registered = open.brokerAddress.replace('127.0.0.1', '127.0.0.77');
        await eventually(
          async () => evidenceOf(await look(), 'rocketmq').includes(`hands out ${registered}`),
          {
            timeoutMs: 60_000,
            what: 'the registration with the wrong address',
          },
        );
        expect(casesOf(await look(), 'rocketmq')).toEqual(['fault broker-unreachable']);
      });

      it('that has left its NameServer', async () => {
        await open.stopBroker();
        const points = await look();
        expect(casesOf(points, 'rocketmq')).toEqual(['fault no-broker']);
        expect(stateOf(points, 'consumer')).toBe('skipped');
      });
    },
  );
});
