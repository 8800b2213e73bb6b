import { Command } from 'commander';
import { ConfigError, NacosError, shownSettings, type SettingDescription } from '../../config/index.ts';
import { readSettings, withSources, type SettingsFlags } from '../settings.ts';
import { requireSetting } from './setting-name.ts';
import { valueText } from './show.ts';

export function explainCommand(): Command {
  return withSources(new Command('explain'))
    .description('Explain a setting: type, default, what is allowed, and what it is now.')
    .argument('<key>', 'a setting, server.port, or a block, server')
    .addHelpText(
      'after',
      `
Examples:
  $ dt config explain server.port
  $ dt config explain rate_limit
  $ dt config explain game.tables.vip.max_bet`,
    )
    .action(async (key: string, flags: SettingsFlags) => {
      const settings = requireSetting(key);
      const now = await current(flags);
      const texts = settings.map((setting) =>
        // Asked for by its own name, one in a table or a list keeps that name.
        explained(settings.length === 1 ? { ...setting, path: key } : setting, now),
      );
      process.stdout.write(`${texts.join('\n\n')}\n`);
    });
}

type Now = (path: string) => string;

/** A setting can be explained also when the configuration is wrong, most of all then. */
async function current(flags: SettingsFlags): Promise<Now> {
  try {
    const shown = shownSettings(await readSettings(flags));
    return (path) => {
      const setting = shown.find((one) => one.path === path);
      return setting === undefined ? 'not set' : `${valueText(setting.value)}, from ${setting.from}`;
    };
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof NacosError)) throw error;
    return () => 'not known: the configuration is wrong, see dt config check';
  }
}

function explained(setting: SettingDescription, now: Now): string {
  const { path, byDefault, mustBeGiven, variable } = setting;
  const rows: [string, string][] = [
    ['type', setting.secret ? `${setting.type}, secret` : setting.type],
    ['default', byDefault === undefined ? (mustBeGiven ? 'must be given' : '(none)') : valueText(byDefault)],
    ['allowed', setting.allowed],
    ['now', now(path)],
    ['environment', variable === undefined ? 'none' : environment(path, variable)],
    ['can change while running', setting.live ? 'yes' : 'no, needs a restart'],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    path,
    `  ${setting.meaning}`,
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
  ].join('\n');
}

function environment(path: string, variable: string): string {
  const short = { 'database.url': 'DATABASE_URL', 'server.log_level': 'LOG_LEVEL' }[path];
  return short === undefined ? variable : `${variable}, or ${short}`;
}
