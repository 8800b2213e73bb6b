import { describe, expect, it } from 'vitest';
import { createLog, describeError, type LogOptions } from '../../src/log/index.ts';

function capture(options: LogOptions = {}) {
  const lines: string[] = [];
  const log = createLog({ ...options, destination: { write: (line) => lines.push(line) } });
  return { log, lines };
}

describe('text log', () => {
  it('writes [LEVEL] message key=value in the order of the call', () => {
    const { log, lines } = capture();
    log.info({ endpoint: '127.0.0.1:9876', topics: 'dt_settle', ak: 'rocketmq' }, 'rocketmq producer config');
    log.info({ topics: ['dt_settle'] }, 'rocketmq: topics configured');
    log.warn('rocketmq disabled');
    expect(lines).toEqual([
      '[INFO] rocketmq producer config endpoint=127.0.0.1:9876 topics=dt_settle ak=rocketmq\n',
      '[INFO] rocketmq: topics configured topics=[dt_settle]\n',
      '[WARN] rocketmq disabled\n',
    ]);
  });

  it('keeps a record on one line whatever is in it', () => {
    const { log, lines } = capture();
    log.error({ remark: 'two\nlines "and" quotes', empty: '' }, 'broken\nmessage');
    expect(lines).toEqual(['[ERROR] broken\\nmessage remark="two\\nlines \\"and\\" quotes" empty=""\n']);
  });

  it('puts an ISO time in front when asked', () => {
    const { log, lines } = capture({ timestamps: true });
    log.info('hello');
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[INFO\] hello\n$/);
  });

  it('follows a change of level while running', () => {
    const { log, lines } = capture();
    log.debug('unseen');
    log.level = 'debug';
    log.debug('seen');
    expect(lines).toEqual(['[DEBUG] seen\n']);
  });
});

describe('json log', () => {
  it('writes one object a line with level, time and message', () => {
    const { log, lines } = capture({ format: 'json' });
    log.info({ round: 'r-1' }, 'settled');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', round: 'r-1', msg: 'settled' });
    expect(JSON.parse(lines[0] ?? '')).toHaveProperty('time');
  });
});

describe('secrets and errors', () => {
  it.each(['text', 'json'] as const)('never writes a secret (%s)', (format) => {
    const { log, lines } = capture({ format });
    log.info(
      {
        secret_key: 'hidden-1',
        rocketmq: { secret_key: 'hidden-2' },
        headers: { authorization: 'hidden-3' },
      },
      'config',
    );
    expect(lines.join('')).not.toContain('hidden');
  });

  it.each(['text', 'json'] as const)(
    'finds secrets at any depth, by any spelling, in lists and addresses (%s)',
    (format) => {
      const { log, lines } = capture({ format });
      const platforms = [
        { app_key: 'seen-1', app_secret: 'hidden-1', nested: [[{ clientSecret: 'hidden-2' }]] },
      ];
      log.warn({ config: { auth: { admin: { token: 'hidden-3' }, platforms } } }, 'deep');
      log.warn({
        adminToken: 'hidden-4',
        NACOS_PASSWORD: 'hidden-5',
        'x-signature': 'hidden-6',
        accessKey: 'seen-2',
      });
      log.warn({
        url: 'postgres://dt:hidden-7@db/dt',
        list: ['amqp://u:hidden-8@h'],
        token: { inner: 'hidden-9' },
      });
      const loop: Record<string, unknown> = { secret_key: 'hidden-10' };
      loop['self'] = loop;
      log.warn({ loop }, 'refers to itself');
      const err = Object.assign(new Error('no way to postgres://dt:hidden-11@db/dt'), {
        config: { headers: { Authorization: 'hidden-12' } },
        cause: new Error('at https://u:hidden-13@nacos/'),
      });
      log.error({ err, log_token: true }, 'failed');
      const written = lines.join('');
      expect(written).not.toContain('hidden');
      expect(written).toContain('seen-1');
      expect(written).toContain('seen-2');
      expect(written).toContain('postgres://dt:***@db/dt');
      expect(lines).toHaveLength(5);
    },
  );

  it('leaves what is passed as it is', () => {
    const { log } = capture();
    const config = { rocketmq: { secret_key: 'kept' } };
    log.info({ config, at: new Date(0), count: 3n }, 'config');
    expect(config.rocketmq.secret_key).toBe('kept');
  });

  it('tells an error with its causes', () => {
    const cause = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' });
    expect(describeError(new Error('producer start failed', { cause }))).toBe(
      'producer start failed: connect refused (ECONNREFUSED)',
    );
    const { log, lines } = capture();
    log.error({ err: new Error('boom') }, 'failed');
    expect(lines).toEqual(['[ERROR] failed err=boom\n']);
  });
});
