import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, redactConfig, type LoadConfigOptions } from '../../src/config/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'dt-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function fileOf(content: unknown, ending = 'json'): string {
  files += 1;
  const file = join(folder, `${files}.${ending}`);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const load = (content: unknown, more: Partial<LoadConfigOptions> = {}) =>
  loadConfig({ file: fileOf(content), env: {}, ...more });

function refusal(action: () => unknown): ConfigError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Without the part that says where the value came from. */
const faultsOf = (content: unknown, more?: Partial<LoadConfigOptions>): string[] =>
  refusal(() => load(content, more)).faults.map(({ message }) => message.slice(message.indexOf(': ') + 2));

describe('where a value comes from', () => {
  it('takes flags over environment over file over defaults, setting by setting', () => {
    const { config } = load(
      { server: { port: 1001, log_level: 'debug', host: '127.0.0.1' }, rocketmq: { access_key: 'file' } },
      {
        env: { DT_SERVER__PORT: '1002', DT_SERVER__LOG_LEVEL: 'warn', DT_ROCKETMQ__SECRET_KEY: 's' },
        overrides: [{ path: 'server.port', value: '1003', origin: '--port' }],
      },
    );
    expect(config.server).toMatchObject({ port: 1003, log_level: 'warn', host: '127.0.0.1' });
    expect(config.rocketmq).toMatchObject({ access_key: 'file', secret_key: 's', topic_settle: 'dt_settle' });
  });

  it('knows DATABASE_URL, which yields to DT_DATABASE__URL', () => {
    const env = { DATABASE_URL: 'postgres://a@h/one' };
    expect(load({ database: { url: 'postgres://f@h/file' } }, { env }).config.database.url).toBe(
      env.DATABASE_URL,
    );
    const both = { ...env, DT_DATABASE__URL: 'postgresql://b@h/two' };
    expect(load({}, { env: both }).config.database.url).toBe('postgresql://b@h/two');
    expect(load({}, { env: { DATABASE_URL: '' } }).config.database.url).toBeUndefined();
  });

  it('knows LOG_LEVEL, and passes by one that is meant for another program', () => {
    const level = (LOG_LEVEL: string) => loadConfig({ file: fileOf({}), env: { LOG_LEVEL } });
    expect(level('WARN').config.server.log_level).toBe('warn');
    expect(level('').config.server.log_level).toBe('info');
    expect(level('verbose').config.server.log_level).toBe('info');
    expect(level('verbose').warnings[0]).toBe(
      'LOG_LEVEL: verbose is not taken; allowed: one of debug, info, warn, error',
    );
  });

  it('reads text by the type of the setting', () => {
    const set = (path: string, value: string) => ({ path, value });
    const { config } = load(
      { auth: { platforms: [] } },
      {
        overrides: [
          set('auth.demo_mode', 'true'),
          set('server.trust_proxy', '10.0.0.0/8, ::1'),
          set('cors.allowed_origins', '["http://a:1"]'),
          set('game.tables.vip.max_bet', '7.50'),
          set('auth.platforms', '[{"platform_id":2,"app_key":"k","app_secret":"s"}]'),
          set('rate_limit.by_ip', '{"requests_per_second":7}'),
          set('rocketmq.access_key', '12'),
        ],
      },
    );
    expect(config.auth.demo_mode).toBe(true);
    expect(config.server.trust_proxy).toEqual(['10.0.0.0/8', '::1']);
    expect(config.cors.allowed_origins).toEqual(['http://a:1']);
    expect(config.game.tables).toEqual({ vip: { max_bet: '7.50' } });
    expect(config.auth.platforms).toEqual([
      { platform_id: 2, app_key: 'k', app_secret: 's', name: '', status: 1, allowed_ips: [] },
    ]);
    expect(config.rate_limit.by_ip).toEqual({ requests_per_second: 7, window_seconds: 60 });
    expect(config.rocketmq.access_key).toBe('12');
  });

  it('reads YAML by the ending, and an empty block as nothing said', () => {
    const yaml = fileOf('server:\n  port: 9001\nrocketmq:\n', 'yaml');
    const { config } = loadConfig({ file: yaml, env: {} });
    expect(config.server.port).toBe(9001);
    expect(config.rocketmq.name_server).toBe('');
  });

  it('takes CONFIG_FILE, and a named file over it', () => {
    const env = { CONFIG_FILE: fileOf({ server: { port: 2001 } }) };
    expect(loadConfig({ env }).config.server.port).toBe(2001);
    expect(loadConfig({ env, file: fileOf({ server: { port: 2002 } }) }).config.server.port).toBe(2002);
  });

  it('refuses a file that was named and is not there', () => {
    const error = refusal(() => loadConfig({ file: join(folder, 'none.json'), env: {} }));
    expect(error.code).toBe('config-file');
    expect(error.message).toContain('none.json does not exist (named by --config)');
    expect(refusal(() => loadConfig({ env: { CONFIG_FILE: '/nowhere.json' } })).message).toContain(
      'CONFIG_FILE',
    );
  });

  it('reads a file that an editor of Windows saved', () => {
    expect(loadConfig({ file: fileOf('\uFEFF{"server":\r\n{"port":7}}'), env: {} }).config.server.port).toBe(
      7,
    );
  });

  it('gives a configuration that nobody can change', () => {
    const { config } = load({ auth: { platforms: [{ platform_id: 1, app_key: 'k', app_secret: 's' }] } });
    expect(() => Object.assign(config.server, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.auth.platforms[0] ?? {}, { status: 0 })).toThrow(TypeError);
  });
});

describe('a wrong value', () => {
  it('is told with its place, path, value and what is allowed, all at once', () => {
    const file = fileOf({ server: { port: '80a7' }, game: { default: { betting_seconds: 0 } } });
    const error = refusal(() => loadConfig({ file, env: { DT_SERVER__LOG_LEVEL: 'loud' } }));
    expect(error.code).toBe('config-invalid');
    expect(error.faults.map(({ message }) => message)).toEqual([
      `${file}: server.port is "80a7"; allowed: a whole number from 0 to 65535`,
      'DT_SERVER__LOG_LEVEL: server.log_level is "loud"; allowed: one of debug, info, warn, error',
      `${file}: game.default.betting_seconds is 0; allowed: a whole number from 1 to 3600`,
    ]);
    expect(error.message).toContain('3 settings are wrong');
  });

  it.each([
    [{ server: { port: 65536 } }, 'server.port is 65536; allowed: a whole number from 0 to 65535'],
    [{ server: { port: 80.5 } }, 'server.port is 80.5; allowed: a whole number from 0 to 65535'],
    [{ server: [] }, 'server is []; allowed: an object'],
    [
      { game: { default: { min_bet: 1 } } },
      'game.default.min_bet is 1; allowed: an amount above 0 as text with at most two decimals, "100.00"',
    ],
    [
      { game: { tables: { vip: { max_bet: '1.001' } } } },
      'game.tables.vip.max_bet is "1.001"; allowed: an amount above 0 as text with at most two decimals, "100.00"',
    ],
    [
      { game: { tables: { vip: { paytable: 'lucky' } } } },
      'game.tables.vip.paytable is "lucky"; allowed: one of classic, standard, full',
    ],
    [
      { game: { default: { max_bet: '0.50' } } },
      'game.default.max_bet is "0.50"; allowed: at least min_bet, "1.00"',
    ],
    [
      { game: { tables: { vip: { max_player_round: '5' } } } },
      'game.tables.vip.max_player_round is "5"; allowed: at least max_bet, "1000000.00"',
    ],
    [
      { rocketmq: { name_server: 'mq' } },
      'rocketmq.name_server is "mq"; allowed: host:port, several joined by ";", or nothing',
    ],
    [
      { rocketmq: { topic_settle: 'a b' } },
      'rocketmq.topic_settle is "a b"; allowed: 1 to 127 of letters, digits, - _ and %',
    ],
    [
      { auth: { platforms: [{ platform_id: 1, app_key: 'k' }] } },
      'auth.platforms.0.app_secret is missing; allowed: a text',
    ],
    [
      { cors: { allowed_origins: ['http://a/path'] } },
      'cors.allowed_origins.0 is "http://a/path"; allowed: an origin such as http://localhost:3000 (no path), or *',
    ],
    [
      { server: { trust_proxy: 'yes' } },
      'server.trust_proxy is "yes"; allowed: true, false, or the proxies as a list of IP addresses or ranges such as 10.0.0.0/8',
    ],
    [
      { server: { trust_proxy: ['10.0.0.0/33'] } },
      'server.trust_proxy.0 is "10.0.0.0/33"; allowed: an IP address or a range such as 10.0.0.0/8',
    ],
  ])('%j', (content, expected) => {
    expect(faultsOf(content)).toEqual([expected]);
  });

  it('names two platforms with one key', () => {
    const platform = { platform_id: 1, app_key: 'k', app_secret: 's' };
    expect(faultsOf({ auth: { platforms: [platform, platform] } })).toEqual([
      'auth.platforms.1.app_key is "k" twice; allowed: a key per platform',
      'auth.platforms.1.platform_id is 1 twice; allowed: a number per platform',
    ]);
  });

  it.each([
    [{ auth: { admin: 'hush-hush' } }, 'auth.admin is *** (a text, not shown); allowed: an object'],
    [
      { auth: { admin: { token: ['hush-hush'] } } },
      'auth.admin.token is *** (a list, not shown); allowed: a text',
    ],
    [
      { auth: { platforms: 'hush-hush' } },
      'auth.platforms is *** (a text, not shown); allowed: a list of platforms',
    ],
    [{ rocketmq: { secret_key: 4711 } }, 'rocketmq.secret_key is *** (a number, not shown); allowed: a text'],
    [
      { database: { url: 'mysql://root:hush-hush@db/dt' } },
      'database.url is *** (a text, not shown); allowed: a PostgreSQL address, postgres://user:password@host:5432/database',
    ],
  ])('never shows a secret: %#', (content, expected) => {
    const error = refusal(() => load(content));
    expect(error.message).toContain(expected);
    expect(error.message).not.toMatch(/hush|4711/);
  });

  it('has line and column where the text is not JSON, and does not quote the text', () => {
    const file = fileOf('{\n  "rocketmq": {\n    "secret_key": hush-hush\n  }\n}');
    const error = refusal(() => loadConfig({ file, env: {} }));
    expect(error.code).toBe('config-syntax');
    expect(error.message).toBe(`${file}, line 3, column 19: not JSON: a value is expected here`);
  });

  it('has line and column where the text is not YAML, and does not quote the text', () => {
    const file = fileOf('rocketmq:\n  secret_key: "hush-hush\n', 'yml');
    const { message } = refusal(() => loadConfig({ file, env: {} }));
    expect(message).toMatch(/^.*\.yml, line [23], column \d+: not YAML: /);
    expect(message).not.toContain('hush');
  });

  it.each(['[]', '"text"', '7'])('refuses a document that is no object: %s', (text) => {
    expect(refusal(() => loadConfig({ file: fileOf(text), env: {} })).message).toContain(
      'an object of settings',
    );
  });
});

describe('an unknown setting', () => {
  it('warns with the nearest known name', () => {
    const file = fileOf({ server: { prot: 1 }, rockemq: {}, game: { tables: { vip: { max_bte: '5' } } } });
    const { warnings } = loadConfig({
      file,
      env: { DT_ROCKETMQ__NAME_SERVR: 'x:1', DT_UNRELATED_THING: '1' },
      overrides: [{ path: 'auth.platforms.0.status', value: '0' }],
    });
    expect(warnings).toEqual(
      expect.arrayContaining([
        `${file}: unknown setting server.prot; did you mean server.port?`,
        `${file}: unknown setting rockemq; did you mean rocketmq?`,
        `${file}: unknown setting game.tables.vip.max_bte; did you mean game.tables.vip.max_bet?`,
        'DT_ROCKETMQ__NAME_SERVR: unknown setting rocketmq.name_servr; did you mean rocketmq.name_server?',
        'DT_UNRELATED_THING: unknown setting unrelated_thing',
        '--set: auth.platforms.0.status is not taken: auth.platforms is a list, given as a whole (in JSON)',
      ]),
    );
  });

  it('cannot reach the prototype of the settings', () => {
    load('{"__proto__": {"polluted": 1}, "game": {"tables": {"__proto__": {"max_bet": "5"}}}}', {
      env: { DT_GAME__TABLES____PROTO____MAX_BET: '5' },
      overrides: [
        { path: '__proto__.polluted', value: '1' },
        { path: 'game.tables.__proto__.max_bet', value: '5' },
      ],
    });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['max_bet']).toBeUndefined();
  });

  it('of the earlier server is passed by with one warning in all', () => {
    const { warnings, config } = load({
      redis: { addr: '127.0.0.1:6379', password: '', db: 0 },
      etcd: {},
      database: { dsn: 'root:root@tcp(127.0.0.1:3306)/dt_game', max_open_conns: 50 },
      auth: {
        jwt: { secret: 'x' },
        admin: { enabled: true, token: 't' },
        platforms: [{ platform_id: 1, app_key: 'k', app_secret: 's', rate_limit: 5 }],
      },
      rate_limit: { enabled: true, by_ip: { requests_per_second: 5, burst: 10, window_seconds: 60 } },
      observability: { enable_prom: true },
      feature_flags: { enable_conflict_check: true },
      thresholds: { max_bet_amount: 10000 },
    });
    expect(warnings).toEqual([
      'settings of the earlier server are not used: redis, etcd, database.dsn, database.max_open_conns, auth.jwt, ' +
        'auth.platforms.0.rate_limit, rate_limit.by_ip.burst, observability, feature_flags, thresholds',
    ]);
    expect(config.rate_limit.by_ip).toEqual({ requests_per_second: 5, window_seconds: 60 });
  });

  it('of the flat kind is translated, and the block wins over it', () => {
    const flat = {
      rocketmq_endpoint: 'mq:9876',
      rocketmq_namesrv: 'other:9876',
      rocketmq_access_key: 'flat',
    };
    const { config } = load({ ...flat, rocketmq: { access_key: 'block' } });
    expect(config.rocketmq).toMatchObject({ name_server: 'mq:9876', access_key: 'block' });
  });
});

describe('what is open to the network', () => {
  const demo = (host: string, more: object = {}) => ({
    server: { host },
    auth: { demo_mode: true, admin: { token: 't' }, ...more },
  });

  it.each(['localhost', '127.0.0.1', '127.9.9.9', '::1', '192.168.7.7'])(
    'demo mode on %s starts with a warning',
    (host) => {
      expect(load(demo(host)).warnings).toHaveLength(1);
      expect(load(demo(host)).warnings[0]).toMatch(
        /^auth\.demo_mode is true: players are not authenticated on /,
      );
    },
  );

  it.each(['0.0.0.0', '::', '0', '::0', '*'])('demo mode on the wildcard %s is refused', (host) => {
    expect(faultsOf(demo(host))[0]).toContain(`auth.demo_mode is true while server.host is ${host}`);
  });

  it('demo mode on a wildcard starts when that wildcard is named for it', () => {
    expect(load(demo('0.0.0.0', { demo_listen: '0.0.0.0' })).warnings[0]).toContain(
      'other machines may reach',
    );
  });

  it('dealer calls without a token follow the same rule', () => {
    const open = (host: string) => ({ server: { host }, auth: { admin: { enabled: false } } });
    expect(load(open('localhost')).warnings[0]).toContain('dealer calls are not authenticated');
    expect(faultsOf(open('0.0.0.0'))[0]).toContain(
      'auth.admin.enabled is false while server.host is 0.0.0.0',
    );
  });

  it('no auth block at all closes everything and says so', () => {
    const { config, warnings } = load({});
    expect(config.auth).toMatchObject({
      demo_mode: false,
      admin: { enabled: true, token: '' },
      platforms: [],
    });
    expect(warnings).toEqual(['auth.admin.token is not set: every dealer call is refused']);
  });

  it('warns of the token that everybody can read', () => {
    const token = 'admin_secret_token_change_in_production';
    const { warnings } = load({ server: { host: '10.0.0.1' }, auth: { admin: { token } } });
    expect(warnings).toEqual([
      'auth.admin.token is the one of the sample files, which everybody knows, on 10.0.0.1',
    ]);
  });
});

describe('the files that are shipped', () => {
  it.each(['dev', 'windows', 'docker'])('config/%s.json is right and has no unknown setting', (name) => {
    const { config, warnings } = loadConfig({ file: `config/${name}.json`, env: {} });
    expect(warnings.filter((line) => line.includes('setting'))).toEqual([]);
    expect(config.server.port).toBe(8087);
    expect(config.server.host).toBe(name === 'docker' ? '0.0.0.0' : 'localhost');
    expect(config.rocketmq.topic_settle).toBe('dt_settle');
  });
});

describe('printing', () => {
  it('shows that secrets are set, never what they are', () => {
    const { config } = load({
      database: { url: 'postgres://u:hush@h/d' },
      rocketmq: { access_key: 'rocketmq', secret_key: 'hush' },
      auth: { admin: { token: 'hush' }, platforms: [{ platform_id: 1, app_key: 'k', app_secret: 'hush' }] },
    });
    const text = JSON.stringify(redactConfig(config));
    expect(text).not.toContain('hush');
    expect(redactConfig(config)).toMatchObject({
      database: { url: '***' },
      rocketmq: { access_key: 'rocketmq', secret_key: '***' },
      auth: { demo_platform: { app_secret: '' }, platforms: [{ app_key: 'k', app_secret: '***' }] },
    });
  });
});
