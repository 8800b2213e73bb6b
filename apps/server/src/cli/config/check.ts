import { Command } from 'commander';
import { ConfigError, NacosError } from '../../config/index.ts';
import { exitCodes } from '../exit.ts';
import { readSettings, withSources, type SettingsFlags } from '../settings.ts';

export function checkCommand(): Command {
  return withSources(new Command('check'))
    .description('Check the configuration as a server would, and change nothing.')
    .option('--json', 'print {"good", "faults", "warnings"} as JSON')
    .addHelpText(
      'after',
      `
Everything that is wrong is listed at once. What is read is what a server started the same way would read:
flags, environment, Nacos where NACOS_SERVER_ADDR is set, and the file.

Examples:
  $ dt config check
  $ dt config check --config config/docker.json
  $ dt config check --set server.port=8088 --json

Exit codes: 0 good, 1 faults were found, 2 the call was wrong.`,
    )
    .action(async (flags: SettingsFlags & { json?: boolean }) => {
      const { faults, warnings, file } = await judge(flags);
      if (flags.json === true) {
        const good = faults.length === 0;
        process.stdout.write(`${JSON.stringify({ good, faults, warnings }, null, 2)}\n`);
      } else {
        for (const { message } of faults) process.stdout.write(`fault: ${message}\n`);
        for (const warning of warnings) process.stdout.write(`warning: ${warning}\n`);
        const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
        process.stdout.write(
          `${file === undefined ? 'no file' : file}: ${counted(faults.length, 'fault')}, ${counted(warnings.length, 'warning')}\n`,
        );
      }
      if (faults.length > 0) process.exitCode = exitCodes.fault;
    });
}

interface Judgement {
  readonly faults: readonly { path: string; message: string }[];
  readonly warnings: readonly string[];
  readonly file?: string;
}

async function judge(flags: SettingsFlags): Promise<Judgement> {
  try {
    const { warnings, file } = await readSettings(flags);
    return { faults: [], warnings, ...(file !== undefined && { file }) };
  } catch (error) {
    const file = flags.config ?? process.env['CONFIG_FILE'];
    const named = file ? { file } : {};
    if (error instanceof ConfigError) return { faults: error.faults, warnings: [], ...named };
    if (error instanceof NacosError)
      return { faults: [{ path: '', message: error.message }], warnings: [], ...named };
    throw error;
  }
}
