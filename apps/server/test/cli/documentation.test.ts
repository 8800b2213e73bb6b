import { readFileSync } from 'node:fs';
import type { Command, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit.ts';
import { dtProgram } from '../../src/cli/program.ts';
import { dt } from './dt.ts';

const page = readFileSync('docs/reference/cli.md', 'utf8');
/** Flags of every command that reads the configuration: told once. */
const common = ['--config', '--set', '--data-dir'];

interface Documented {
  /** `outbox list` */
  readonly name: string;
  readonly command: Command;
}

function commandsOf(command: Command, above: readonly string[] = []): Documented[] {
  return command.commands.flatMap((each) => {
    const path = [...above, each.name()];
    return each.commands.length > 0 ? commandsOf(each, path) : [{ name: path.join(' '), command: each }];
  });
}

// mqadmin takes its flags itself: docs/reference/mqadmin.md has them, held by a test of its own.
const commands = commandsOf(dtProgram()).filter(({ name }) => name !== 'mqadmin');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function rowOf(option: Option): string {
  const { flags, description, defaultValueDescription, argChoices } = option;
  const value: unknown = option.defaultValue;
  const choices = argChoices === undefined ? '' : `: ${argChoices.join(', ')}`;
  const plain = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const cells = [
    `\`${flags.replaceAll('|', '\\|')}\``,
    cell(description + choices),
    cell(defaultValueDescription ?? plain),
  ];
  return `|${cells.map((text) => (text === '' ? ' ' : ` ${text} `)).join('|')}|\n`;
}

function tableOf(options: readonly Option[]): string {
  return `| flag | | default |\n|---|---|---|\n${options.map(rowOf).join('')}`;
}

const isCommon = ({ long }: Option): boolean => common.includes(long ?? '');

function chapterOf({ name, command }: Documented): string {
  const usage = [
    `dt ${name}`,
    ...command.registeredArguments.map((one) => (one.required ? `<${one.name()}>` : `[${one.name()}]`)),
  ];
  const own = command.options.filter((option) => !isCommon(option));
  const shared = command.options.filter(isCommon).map(({ long }) => `\`${long}\``);
  return [
    `### \`${usage.join(' ')}\``,
    cell(command.description()),
    ...(own.length > 0 ? [tableOf(own)] : []),
    ...(shared.length > 0 ? [`And ${shared.join(', ')}.`] : []),
  ]
    .map((part) => part.trimEnd())
    .join('\n\n');
}

/** What stands between the marks of the page, made from the commands. */
function flagsOfAll(): string {
  const shared = commands
    .flatMap(({ command }) => command.options.filter(isCommon))
    .filter((option, at, all) => all.findIndex(({ long }) => long === option.long) === at);
  return [tableOf(shared), ...commands.map(chapterOf)].map((part) => part.trimEnd()).join('\n\n');
}

// After a change of a command: npm run docs:cli
describe('the reference of the command line', () => {
  it('has every flag of every command, as its help has it', async () => {
    const made = page.replace(
      /(<!-- flags of all commands -->\n).*?(<!-- end of flags -->)/s,
      (_, begin: string, end: string) => `${begin}\n${flagsOfAll()}\n\n${end}`,
    );
    await expect(made).toMatchFileSnapshot('../../../../docs/reference/cli.md');
  });

  it.each(commands)('dt $name --help tells the flags that are documented', async ({ name, command }) => {
    const { code, stdout } = await dt(...name.split(' '), '--help');
    expect(code).toBe(0);
    const told = [...stdout.matchAll(/^ {2}(-.*?)(?: {2}|$)/gm)].map(([, flags]) => flags?.trim());
    expect(told.filter((flags) => flags !== '-h, --help').sort()).toEqual(
      command.options.map(({ flags }) => flags).sort(),
    );
  });

  it('says of every command what exit code 1 means, and has every exit code', () => {
    const codes = [...page.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code));
    expect(codes).toEqual(Object.values(exitCodes));
    const told = [...page.matchAll(/^\| `dt ([a-z ]+)` \| exits with 1 /gm)].map(([, name]) => name);
    expect(told.sort()).toEqual(['mqadmin', ...commands.map(({ name }) => name)].sort());
  });
});
