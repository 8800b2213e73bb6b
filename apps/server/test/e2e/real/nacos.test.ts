import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, Nacos, type Program } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NacosClient, nacosSettings, type NacosSettings } from '../../../src/config/nacos/index.ts';
import { createWorld, type World } from '../harness.ts';

const id = { dataId: 'dt-server.yaml' };
const first = 'server:\n  log_level: info\nrate_limit:\n  enabled: false\n';
let nacos: Nacos;
let world: World;
let folder: string;
const worlds: World[] = [];

async function open(more: Record<string, string> = {}): Promise<World> {
  const env = {
    NACOS_SERVER_ADDR: nacos.address,
    NACOS_DATA_ID: id.dataId,
    NACOS_TIMEOUT_MS: '2000',
    NACOS_SNAPSHOT: folder,
    ...more,
  };
  const opened = await createWorld({ env });
  worlds.push(opened);
  return opened;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dt-nacos-copy-'));
  nacos = await Nacos.start();
  await nacos.publish(id, first);
  world = await open();
}, 180_000);
afterAll(async () => {
  for (const one of worlds) await one.close();
  await nacos?.close();
  await rm(folder, { recursive: true, force: true });
});

function settings(more: Record<string, string> = {}): NacosSettings {
  const values = { NACOS_SERVER_ADDR: nacos.address, NACOS_DATA_ID: id.dataId, ...more };
  const found = nacosSettings({ values, origins: new Map() });
  if (found === undefined) throw new Error('no settings');
  return found;
}

/** What the figure is now; undefined when it is not shown. */
async function metric(name: string): Promise<number | undefined> {
  const text = await (await fetch(`${world.url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

async function betCode(): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-platform-user-id': 'p-1' };
  const response = await fetch(`${world.url}/api/bet`, { method: 'POST', headers, body: '{}' });
  return ((await response.json()) as { code: number }).code;
}

describe('a server whose settings lie in a real Nacos', () => {
  let server: Program;

  it('takes them over its file, and follows changes that can be made while it runs', async () => {
    server = await world.serve();
    expect(await metric('config_nacos_up')).toBe(1);
    expect([await betCode(), await betCode(), await betCode()]).toEqual([1000, 1000, 1000]);

    const limited = `${first.replace('enabled: false', 'enabled: true')}  global:\n    requests_per_second: 1\n`;
    await nacos.publish(id, `# 限流：每秒一次\n${limited}`);
    await server.waitForLine(
      /config: changed document=nacos:public\/DEFAULT_GROUP\/dt-server.yaml settings=\[rate_limit.enabled rate_limit.global.requests_per_second\]/,
    );
    await eventually(async () => {
      const codes = [await betCode(), await betCode(), await betCode()];
      return codes.includes(4000);
    });
    expect(await metric('config_changes_total{outcome="applied"}')).toBe(1);

    await nacos.publish(id, first.replace('log_level: info', 'log_level: error'));
    await eventually(async () => (await metric('config_changes_total{outcome="applied"}')) === 2);
    await nacos.publish(id, first);
    await eventually(async () => (await metric('config_changes_total{outcome="applied"}')) === 3);
  });

  it('refuses a change that needs a restart as a whole, and names its settings', async () => {
    await nacos.publish(
      id,
      `${first}  by_ip:\n    requests_per_second: 7\nrocketmq:\n  topic_settle: other\n`,
    );
    await server.waitForLine(
      /\[ERROR\] config: change refused, it needs a restart; everything stays document=\S+ restart=\[rocketmq.topic_settle\]/,
    );
    expect(await metric('config_changes_total{outcome="refused"}')).toBe(1);
  });

  it('refuses a wrong document, and does not quote it', async () => {
    await nacos.publish(id, `${first}auth:\n  admin:\n    token: [hush-hush]\n`);
    await server.waitForLine(
      /\[ERROR\] config: change refused, it is wrong; everything stays .*auth.admin.token is \*\*\*/,
    );
    expect(server.output()).not.toContain('hush');
    expect(await metric('config_changes_total{outcome="invalid"}')).toBe(1);
    expect(await metric('config_changes_total{outcome="applied"}')).toBe(3);
  });

  it('keeps its settings while the document is taken away, and takes it again', async () => {
    await nacos.remove(id);
    await server.waitForLine(/nacos: the document was taken away; settings stay as they are/);
    await nacos.publish(id, first);
    await eventually(async () => (await metric('config_changes_total{outcome="unchanged"}')) === 1);
  });

  it('outlives Nacos; others start from the last good copy or not at all; all follow it once it is back', async () => {
    await nacos.kill();
    await server.waitForLine(/\[WARN\] nacos: cannot be watched, trying again; settings stay as they are/);
    expect(await metric('config_nacos_up')).toBe(0);
    expect(await betCode()).toBe(1000);

    const withoutCopy = await open({ NACOS_SNAPSHOT: join(folder, 'empty') });
    const refused = await withoutCopy.dt('migrate');
    expect(await refused.exited).toEqual({ code: 1, signal: null });
    expect(refused.output()).toMatch(
      /^dt: Nacos does not answer \(http:\S+: connect ECONNREFUSED \S+\): start it, check NACOS_SERVER_ADDR, or unset it to do without; there is no copy \S+ yet$/m,
    );

    const copy = await stat(join(folder, 'public@DEFAULT_GROUP@dt-server.yaml'));
    expect(copy.mode & 0o777).toBe(0o600);
    const withCopy = await open();
    const second = await withCopy.serve();
    await second.waitForLine(
      /\[WARN\] Nacos does not answer \(\S+: .*\): settings are those of the copy \S+, \d+ (s|min) old/,
    );

    await nacos.start();
    for (const one of [server, second]) await one.waitForLine(/nacos: answers again/, { timeoutMs: 60_000 });
    await nacos.publish(id, first.replace('log_level: info', 'log_level: debug'));
    for (const one of [server, second])
      await one.waitForLine(/config: changed document=\S+ settings=\[server.log_level\]/);
    expect(await metric('config_nacos_up')).toBe(1);
  }, 240_000);

  it('stops at once in the middle of a question to Nacos', async () => {
    const startedAt = performance.now();
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});

describe('a client of a real Nacos', () => {
  it('keeps to its namespace and group, and reads what is not ASCII', async () => {
    const text = 'demo:\n  game_id: 龙虎\n';
    await nacos.publish({ ...id, group: 'games', namespace: 'blue' }, text);
    const client = new NacosClient(settings({ NACOS_NAMESPACE: 'blue', NACOS_GROUP: 'games' }));
    const document = await client.read();
    expect(document?.text).toBe(text);
    expect(await client.hasChanged('', AbortSignal.timeout(20_000))).toBe(true);
    expect(
      await new NacosClient(settings({ NACOS_NAMESPACE: 'red', NACOS_GROUP: 'games' })).read(),
    ).toBeUndefined();
  });

  it('asks the next server when one is away, and is told of a change within a second', async () => {
    const client = new NacosClient(settings({ NACOS_SERVER_ADDR: `127.0.0.1:1,${nacos.address}` }));
    const watched = { dataId: 'watched.json' };
    await nacos.publish(watched, '{}');
    const own = new NacosClient(settings({ NACOS_DATA_ID: watched.dataId }));
    expect(await client.read()).toBeDefined();
    const document = await own.read();
    const waiting = own.hasChanged(document?.md5 ?? '', AbortSignal.timeout(20_000));
    await nacos.publish(watched, '{"server": {}}');
    const publishedAt = performance.now();
    expect(await waiting).toBe(true);
    expect(performance.now() - publishedAt).toBeLessThan(5_000);
  });

  it('names a login that the server does not have', async () => {
    const client = new NacosClient(settings({ NACOS_USERNAME: 'u', NACOS_PASSWORD: 'hidden' }));
    await expect(client.read()).rejects.toThrow(
      /knows no login: take NACOS_USERNAME and NACOS_PASSWORD away/,
    );
  });
});
