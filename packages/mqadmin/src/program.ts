import { Command, Option } from 'commander';
import { commands } from './commands/index.ts';
import type { AdminCommand } from './command.ts';
import { connectionFlags, type ConnectionFlagValues } from './connect.ts';
import { WrongCallError } from './exit.ts';
import { type Flag, type Flags, type FlagValues, longName, shownName, toggle } from './flags.ts';
import type { Terminal } from './output/index.ts';
import { withNearestFlag, withPlaceOfFlags } from './suggest.ts';

const generalFlags = { ...connectionFlags, json: toggle('--json', 'print the result as JSON') };

export interface Values {
  readonly flags: FlagValues<Flags>;
  readonly general: ConnectionFlagValues & { readonly json: boolean };
}

export type RunCommand = (command: AdminCommand, values: Values) => Promise<void>;

export function buildProgram(name: string, terminal: Terminal, run: RunCommand): Command {
  const program = new Command(name)
    .description("RocketMQ's mqadmin, without Java: the same commands, flags and columns.")
    .configureHelp({ sortSubcommands: true })
    .addHelpText(
      'after',
      `
Examples:
  $ ${name} topicList -n 127.0.0.1:9876
  $ NAMESRV_ADDR=127.0.0.1:9876 ${name} consumerProgress --json
  $ ${name} help updateTopic

Exit codes: 0 good, 1 a fault was found, 2 the call was wrong, 130 interrupted.`,
    );
  for (const command of commands) program.addCommand(buildCommand(name, command, run));
  for (const part of [program, ...program.commands]) {
    const flags = commands.find((command) => command.name === part.name())?.flags ?? {};
    part
      .exitOverride()
      .showSuggestionAfterError()
      .showHelpAfterError('(add --help for the flags and examples)')
      .configureOutput({
        writeOut: (text) => terminal.stdout.write(text),
        writeErr: (text) => terminal.stderr.write(text),
        getOutHelpWidth: () => terminal.stdout.columns ?? 100,
        getErrHelpWidth: () => terminal.stderr.columns ?? 100,
        outputError: (text, write) => {
          const known = Object.values({ ...flags, ...generalFlags });
          const hinted = part === program ? withPlaceOfFlags(text, name) : withNearestFlag(text, known);
          write(hinted.replace(/^error: /, `${name}: `));
        },
      });
  }
  return program;
}

function buildCommand(program: string, command: AdminCommand, run: RunCommand): Command {
  const { flags, examples, notes, oneOf = [] } = command;
  const built = new Command(command.name).description(command.summary);
  for (const flag of Object.values(flags)) built.addOption(optionOf(flag));
  for (const flag of Object.values(generalFlags))
    built.addOption(optionOf(flag).helpGroup('Connection and output:'));
  const shown = examples.map(
    (example) => `  $ ${program} ${command.name}${example === '' ? '' : ` ${example}`}`,
  );
  built.addHelpText('after', `${notes === undefined ? '' : `\n${notes}\n`}\nExamples:\n${shown.join('\n')}`);
  return built.action(async (given: Record<string, unknown>) => {
    // Checked here and not by commander, which would name a missing flag before the misspelt one in its place.
    const missing = Object.values(flags).find((flag) => flag.required && given[longName(flag)] === undefined);
    if (missing !== undefined)
      throw new WrongCallError(`${command.name}: ${missing.spelling} is missing (add --help for examples)`);
    const values = valuesOf(flags, given);
    const chosen = oneOf.filter((key) => values[key] !== undefined && values[key] !== false);
    if (oneOf.length > 0 && chosen.length !== 1) {
      const names = oneOf.map((key) => shownName(flags[key] as Flag<unknown>)).join(' or ');
      throw new WrongCallError(
        `${command.name}: give ${names}${chosen.length > 1 ? ', not more than one of them' : ''}`,
      );
    }
    await run(command, { flags: values, general: valuesOf(generalFlags, given) });
  });
}

function optionOf(flag: Flag<unknown>): Option {
  const option = new Option(
    flag.spelling,
    flag.required ? `${flag.description} (required)` : flag.description,
  );
  return flag.spelling.includes('<') ? option.argParser((text: string) => flag.parse(text)) : option;
}

function valuesOf<F extends Flags>(flags: F, given: Record<string, unknown>): FlagValues<F> {
  return Object.fromEntries(
    Object.entries(flags).map(([key, flag]) => [key, given[longName(flag)] ?? flag.absent]),
  ) as FlagValues<F>;
}

/** The name of a command counts in any case, as it does for RocketMQ's own mqadmin. */
export function withKnownCase(args: readonly string[]): string[] {
  const name = args[0]?.toLowerCase();
  const known = commands.find((command) => command.name.toLowerCase() === name);
  return known === undefined ? [...args] : [known.name, ...args.slice(1)];
}
