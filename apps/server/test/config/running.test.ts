import { describe, expect, it } from 'vitest';
import { openConfig, RunningConfig, type ChangeOutcome, type Config } from '../../src/config/index.ts';
import { createLog } from '../../src/log/index.ts';
import { temporaryFiles } from './temporary-files.ts';

const fileOf = temporaryFiles();

async function running(content: object, env: Record<string, string> = {}) {
  const file = fileOf(content);
  const name = file.slice(file.lastIndexOf('/') + 1);
  const lines: string[] = [];
  const applied: Config[] = [];
  const outcomes: ChangeOutcome[] = [];
  const config = new RunningConfig({
    opened: await openConfig({ file, env, overrides: [{ path: 'game.default.paytable', value: 'full' }] }),
    apply: (changed) => applied.push(changed),
    log: createLog({ destination: { write: (line) => lines.push(line.trimEnd()) } }),
    onChange: (outcome) => outcomes.push(outcome),
  });
  return {
    config,
    lines,
    applied,
    outcomes,
    change: (changed: unknown) => (fileOf(changed, name), config.reload()),
  };
}

describe('a change of the configuration while running', () => {
  it('is applied when all of its settings can change: level, limits, tables', async () => {
    const { change, applied, lines, config } = await running({ server: { port: 1 } });
    const changed = {
      server: { port: 1, log_level: 'debug' },
      rate_limit: { enabled: true, by_ip: { requests_per_second: 5 } },
      game: { default: { betting_seconds: 9 }, tables: { vip: { min_bet: '5' } } },
    };
    expect(change(changed)).toBe('applied');
    expect(applied).toHaveLength(1);
    expect(applied[0]).toBe(config.config);
    expect(applied[0]?.game.tables).toEqual({ vip: { min_bet: '5' } });
    expect(lines.at(-1)).toContain(
      'settings=[game.default.betting_seconds game.tables.vip rate_limit.by_ip.requests_per_second rate_limit.enabled server.log_level]',
    );
  });

  it('is refused as a whole when one of its settings needs a restart, and told again only when asked again', async () => {
    const { change, applied, lines, config } = await running({ rocketmq: { secret_key: 'one' } });
    expect(change({ server: { log_level: 'debug' }, rocketmq: { secret_key: 'hush-hush' } })).toBe('refused');
    expect(lines).toEqual([
      '[ERROR] config: change refused, it needs a restart; everything stays document=configuration restart=[rocketmq.secret_key]',
    ]);
    expect(applied).toEqual([]);
    expect(config.config.server.log_level).toBe('info');
    expect(change({ server: { log_level: 'debug' }, rocketmq: { secret_key: 'one' } })).toBe('applied');
  });

  it('is refused when it is wrong: everything wrong in one line, without secrets', async () => {
    const { change, applied, lines, outcomes } = await running({});
    expect(change({ server: { log_level: 'loud' }, rocketmq: { secret_key: 4711 } })).toBe('invalid');
    expect(change('{"rocketmq": {"secret_key": hush')).toBe('invalid');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /2 settings are wrong.*server\.log_level is .*loud.*rocketmq\.secret_key is \*\*\*/,
    );
    expect(lines.join()).not.toMatch(/hush|4711/);
    expect(applied).toEqual([]);
    expect(outcomes).toEqual(['invalid', 'invalid']);
  });

  it('makes no difference where something stronger says otherwise', async () => {
    const { change, applied } = await running({}, { DT_SERVER__LOG_LEVEL: 'warn' });
    expect(change({ server: { log_level: 'debug' }, game: { default: { paytable: 'standard' } } })).toBe(
      'unchanged',
    );
    expect(applied).toEqual([]);
  });
});
