import { Option, type Command } from 'commander';
import { openConfig, type ConfigOverride, type OpenConfig } from '../config/index.ts';
import { WrongCallError } from './exit.ts';

/** The flags that every command which reads the configuration has. */
export interface SettingsFlags {
  config?: string;
  set: ConfigOverride[];
  dataDir: string;
}

export function withSettings(command: Command): Command {
  return withSources(command).addOption(
    new Option('--data-dir <folder>', 'where embedded parts keep their data').default('data'),
  );
}

/** Where settings come from, for commands that look at nothing else. */
export function withSources(command: Command): Command {
  return command
    .addOption(
      new Option(
        '-c, --config <file>',
        'configuration file, JSON or YAML (default: $CONFIG_FILE, else config/dev.json)',
      ),
    )
    .addOption(
      new Option('--set <path=value>', 'set one configuration value; may be repeated')
        .argParser(parseOverride)
        .default([], 'none'),
    );
}

function parseOverride(text: string, before: ConfigOverride[]): ConfigOverride[] {
  const at = text.indexOf('=');
  if (at < 1)
    throw new WrongCallError(`--set takes path=value, for example --set server.port=8088, not '${text}'`);
  return [...before, { path: text.slice(0, at), value: text.slice(at + 1), origin: '--set' }];
}

/** The configuration as flags, environment, Nacos and file give it. @throws ConfigError, NacosError */
export async function readSettings(
  flags: Pick<SettingsFlags, 'config' | 'set'>,
  more: readonly ConfigOverride[] = [],
): Promise<OpenConfig> {
  return openConfig({
    ...(flags.config === undefined ? {} : { file: flags.config }),
    env: process.env,
    overrides: [...flags.set, ...more],
  });
}
