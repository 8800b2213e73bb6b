import { describe, expect, it } from 'vitest';
import { temporaryFiles } from '../config/temporary-files.ts';
import { dt } from './dt.ts';

const fileOf = temporaryFiles();
const good = fileOf({
  server: { port: 8090 },
  rocketmq: { secret_key: 'hush-hush', topic_settle: 'dt_settle' },
  auth: { admin: { token: 't' }, platforms: [{ platform_id: 1, app_key: 'acme', app_secret: 'hush-hush' }] },
  game: { tables: { vip: { max_bet: '7.00' } } },
});

describe('dt config check', () => {
  it('says good and exits with 0, with what is worth a word', async () => {
    const { code, stdout } = await dt('config', 'check', '--config', good, '--set', 'server.prot=1');
    expect(code).toBe(0);
    expect(stdout).toBe(
      `warning: --set: unknown setting server.prot; did you mean server.port?\n${good}: 0 faults, 1 warning\n`,
    );
  });

  it('lists every fault at once and exits with 1', async () => {
    const bad = fileOf({ server: { port: 'x' }, rocketmq: { secret_key: 4711 } });
    const { code, stdout, stderr } = await dt('config', 'check', '--config', bad, '--set', 'log.format=xml');
    expect(code).toBe(1);
    expect(stdout.split('\n')).toEqual([
      `fault: ${bad}: server.port is "x"; allowed: a whole number from 0 to 65535`,
      'fault: --set: log.format is "xml"; allowed: one of text, json',
      `fault: ${bad}: rocketmq.secret_key is *** (a number, not shown); allowed: a text`,
      `${bad}: 3 faults, 0 warnings`,
      '',
    ]);
    expect(stderr).toBe('');
    const json = await dt('config', 'check', '--config', bad, '--json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      good: false,
      faults: [{ path: 'server.port' }, {}],
      warnings: [],
    });
  });

  it('takes a missing file for a fault, and a wrong call for what it is', async () => {
    expect((await dt('config', 'check', '--config', '/nowhere.json')).code).toBe(1);
    expect((await dt('config', 'check', '--confg', good)).code).toBe(2);
    expect((await dt('config', 'check', '--set', 'server.port')).code).toBe(2);
  });
});

describe('dt config show', () => {
  it('shows every setting with its origin, and no secret', async () => {
    const { code, stdout } = await dt('config', 'show', '--config', good, '--set', 'log.timestamps=true');
    expect(code).toBe(0);
    const rows = new Map(
      stdout.split('\n').map((line) => {
        const [name = '', ...rest] = line.split('|').map((cell) => cell.trim());
        return [name, rest];
      }),
    );
    expect(rows.get('server.port')).toEqual(['8090', good]);
    expect(rows.get('log.timestamps')).toEqual(['true', '--set']);
    expect(rows.get('server.host')).toEqual(['localhost', 'default']);
    expect(rows.get('rocketmq.secret_key')).toEqual(['***', good]);
    expect(rows.get('database.url')).toEqual(['(none)', 'default']);
    expect(rows.get('game.tables.vip.max_bet')).toEqual(['7.00', good]);
    expect(stdout).toContain('"app_key":"acme","app_secret":"***"');
    expect(stdout).not.toContain('hush');
  });

  it('shows one block, also as JSON', async () => {
    const { stdout } = await dt('config', 'show', 'rocketmq', '--config', good, '--json');
    const settings = JSON.parse(stdout) as { path: string }[];
    expect(settings).toContainEqual({ path: 'rocketmq.secret_key', value: '***', from: good });
    expect(settings.every(({ path }) => path.startsWith('rocketmq.'))).toBe(true);
  });

  it('names the nearest of an unknown one', async () => {
    const { code, stderr } = await dt('config', 'show', 'rocketmq.name_servr', '--config', good);
    expect(code).toBe(2);
    expect(stderr).toBe('dt: there is no setting rocketmq.name_servr; did you mean rocketmq.name_server?\n');
  });
});

describe('dt config explain', () => {
  it('tells type, default, allowed, meaning, variable, where it comes from and whether it can change', async () => {
    const { code, stdout } = await dt('config', 'explain', 'server.log_level', '--config', good);
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        'server.log_level',
        '  The least level that is written',
        '  type                      text',
        '  default                   info',
        '  allowed                   one of debug, info, warn, error',
        '  now                       info, from default',
        '  environment               DT_SERVER__LOG_LEVEL, or LOG_LEVEL',
        '  can change while running  yes',
        '',
      ].join('\n'),
    );
  });

  it('explains a whole block, one of a table, and one of a list', async () => {
    const block = await dt('config', 'explain', 'rate_limit', '--config', good);
    expect(block.stdout.match(/^rate_limit\.\S+$/gm)).toHaveLength(8);
    const table = await dt('config', 'explain', 'game.tables.vip.max_bet', '--config', good);
    expect(table.stdout).toMatch(/^game\.tables\.vip\.max_bet\n.*\n[^]* now +7\.00, from /);
    const secret = await dt('config', 'explain', 'rocketmq.secret_key', '--config', good);
    expect(secret.stdout).toMatch(/ type +text, secret\n[^]* now +\*\*\*, from /);
    const ofList = await dt('config', 'explain', 'auth.platforms.0.app_secret', '--config', good);
    expect(ofList.stdout).toMatch(/ default +must be given\n/);
  });

  it('explains also when the configuration is wrong', async () => {
    const { code, stdout } = await dt('config', 'explain', 'server.port', '--set', 'server.port=x');
    expect(code).toBe(0);
    expect(stdout).toMatch(/ now +not known: the configuration is wrong, see dt config check/);
  });

  it('names the nearest of an unknown one', async () => {
    const { code, stderr } = await dt('config', 'explain', 'rate_limt');
    expect(code).toBe(2);
    expect(stderr).toBe('dt: there is no setting rate_limt; did you mean rate_limit?\n');
  });
});
