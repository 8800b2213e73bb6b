import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig, openConfig } from '../../src/config/index.ts';
import { temporaryFiles } from './temporary-files.ts';

const fileOf = temporaryFiles();
const file = fileOf({});
const load = (env: Record<string, string>) => loadConfig({ file, env });

describe('a variable that ends in _FILE', () => {
  it.each(['s3cret', 's3cret\n', 's3cret\r\n'])(
    'gives the content of its file, without the last line break: %j',
    (content) => {
      const { config, originOf, warnings } = load({ DT_ROCKETMQ__SECRET_KEY_FILE: fileOf(content, 'key') });
      expect(config.rocketmq.secret_key).toBe('s3cret');
      expect(originOf('rocketmq.secret_key')).toBe('DT_ROCKETMQ__SECRET_KEY_FILE');
      expect(warnings.filter((warning) => warning.includes('secret_key'))).toEqual([]);
    },
  );

  it('takes one line break only, and no blanks', () => {
    const { config } = load({ DT_ROCKETMQ__SECRET_KEY_FILE: fileOf(' two \n\n', 'blanks') });
    expect(config.rocketmq.secret_key).toBe(' two \n');
  });

  it('works for DATABASE_URL, and for lists in JSON', () => {
    const platforms = [{ platform_id: 1, app_key: 'acme', app_secret: 's' }];
    const { config } = load({
      DATABASE_URL: '',
      DATABASE_URL_FILE: fileOf('postgres://dt:pw@db/dt\n', 'url'),
      DT_AUTH__PLATFORMS_FILE: fileOf(platforms, 'platforms'),
    });
    expect(config.database.url).toBe('postgres://dt:pw@db/dt');
    expect(config.auth.platforms).toMatchObject(platforms);
  });

  it('says nothing when it is empty, as compose files leave it', () => {
    expect(
      load({ DATABASE_URL_FILE: '', DT_ROCKETMQ__SECRET_KEY_FILE: '' }).config.database.url,
    ).toBeUndefined();
  });

  it('is a fault beside the value itself, and when its file cannot be read or is empty: all at once, without contents', () => {
    const env = {
      DATABASE_URL: 'postgres://a:hush-hush@h/one',
      DATABASE_URL_FILE: fileOf('postgres://b:hush-hush@h/two', 'both'),
      DT_ROCKETMQ__SECRET_KEY_FILE: join(fileOf.folder, 'none'),
      DT_AUTH__ADMIN__TOKEN_FILE: fileOf('\n', 'empty'),
      DT_ROCKETMQ__ACCESS_KEY_FILE: fileOf.folder,
    };
    expect(() => load(env)).toThrowError(
      expect.objectContaining({
        code: 'config-invalid',
        faults: [
          'DATABASE_URL_FILE: is given beside DATABASE_URL; allowed: one of the two',
          `DT_ROCKETMQ__SECRET_KEY_FILE: ${join(fileOf.folder, 'none')} cannot be read (ENOENT)`,
          `DT_AUTH__ADMIN__TOKEN_FILE: ${join(fileOf.folder, 'empty')} is empty`,
          `DT_ROCKETMQ__ACCESS_KEY_FILE: ${fileOf.folder} cannot be read (EISDIR)`,
        ].map((message) => ({ path: '', message })),
      }) as Error,
    );
    expect(() => load(env)).not.toThrow('hush');
  });

  it('is told by its own name when what it holds is wrong, and not shown', () => {
    const url = fileOf('mysql://root:hush-hush@db/dt', 'wrong');
    expect(() => load({ DATABASE_URL_FILE: url })).toThrow(
      /^DATABASE_URL_FILE: database.url is \*\*\* \(a text, not shown\)/,
    );
  });

  it('of no setting is an unknown setting', () => {
    expect(load({ DT_ROCKETMQ__SECRT_FILE: file }).warnings).toContain(
      'DT_ROCKETMQ__SECRT_FILE: unknown setting rocketmq.secrt_file',
    );
  });

  it('gives the password of Nacos', async () => {
    const env = {
      NACOS_SERVER_ADDR: '127.0.0.1:1',
      NACOS_DATA_ID: 'dt.yaml',
      NACOS_USERNAME: 'dt',
      NACOS_PASSWORD_FILE: join(fileOf.folder, 'none'),
    };
    await expect(openConfig({ file, env })).rejects.toThrow(
      /^NACOS_PASSWORD_FILE: \S+ cannot be read \(ENOENT\)$/,
    );
    await expect(
      openConfig({ file, env: { ...env, NACOS_PASSWORD_FILE: fileOf('pw\n', 'pw') } }),
    ).rejects.toMatchObject({ code: 'nacos-away' });
  });
});
