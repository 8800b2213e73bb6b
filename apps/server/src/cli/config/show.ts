import { Command } from 'commander';
import { shownSettings } from '../../config/index.ts';
import { readSettings, withSources, type SettingsFlags } from '../settings.ts';
import { formatTable } from '../table.ts';
import { requireSetting } from './setting-name.ts';

export function showCommand(): Command {
  return withSources(new Command('show'))
    .description('Show every setting with its value and where it comes from; secrets are masked.')
    .argument('[key]', 'a setting or a block; without it, all of them')
    .option('--json', 'print an array of {"path", "value", "from"} as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ dt config show
  $ dt config show rocketmq
  $ dt config show --config config/docker.json --set server.port=8088 --json`,
    )
    .action(async (key: string | undefined, flags: SettingsFlags & { json?: boolean }) => {
      if (key !== undefined) requireSetting(key);
      const opened = await readSettings(flags);
      const within = (path: string): boolean =>
        key === undefined || path === key || path.startsWith(`${key}.`);
      const settings = shownSettings(opened).filter(({ path }) => within(path));
      if (flags.json === true) {
        process.stdout.write(`${JSON.stringify(settings, null, 2)}\n`);
        return;
      }
      const rows = settings.map(({ path, value, from }) => [path, valueText(value), from]);
      process.stdout.write(`${formatTable(['setting', 'value', 'from'], rows)}\n`);
    });
}

export function valueText(value: unknown): string {
  if (value === null) return '(none)';
  if (value === '') return '(empty)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
