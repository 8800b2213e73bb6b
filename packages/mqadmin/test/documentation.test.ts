import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AdminCommand } from '../src/command.ts';
import { commands } from '../src/commands/index.ts';
import { connectionFlags } from '../src/connect.ts';
import { type Flag, toggle } from '../src/flags.ts';

const page = new URL('../../../docs/reference/mqadmin.md', import.meta.url);
/** Chapters that are not of one command. */
const general = ['Every command', "Other than RocketMQ's", 'Access control and TLS'];

let chapters: Map<string, string>;

beforeAll(async () => {
  const parts = (await readFile(page, 'utf8')).split(/^## /m).slice(1);
  chapters = new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part]));
});

function documentedFlags(chapter: string): [string, string][] {
  return [...chapter.matchAll(/^\| `(-.*?)` \| (.*?) \|$/gm)].map(([, flag = '', meaning = '']) => [
    flag.replaceAll('\\|', '|'),
    meaning.replaceAll('\\|', '|'),
  ]);
}

function flagsOf(flags: Readonly<Record<string, Flag<unknown>>>): [string, string][] {
  return Object.values(flags).map(({ spelling, description, required }) => [
    spelling,
    required ? `required: ${description}` : description,
  ]);
}

function blockOf(chapter: string, language: string): string {
  return new RegExp(`\`\`\`${language}\n(.*?)\n\`\`\``, 's').exec(chapter)?.[1] ?? '';
}

describe('the reference page', () => {
  it('has a chapter for every command, and for none that does not exist', () => {
    const named = [...chapters.keys()].filter((name) => !general.includes(name));
    expect(named).toEqual(commands.map(({ name }) => name).sort());
  });

  it('has the flags of every command', () => {
    const json = toggle('--json', 'print the result as JSON');
    const help = toggle('-h, --help', 'the flags of the command, with examples');
    const chapter = chapters.get('Every command') ?? '';
    expect(documentedFlags(chapter)).toEqual(flagsOf({ ...connectionFlags, json, help }));
  });

  describe.each(commands.map((command) => [command.name, command] as [string, AdminCommand]))(
    '%s',
    (name, { flags, examples, summary, oneOf = [] }) => {
      it('has its flags, and none that it does not have', () => {
        const chapter = chapters.get(name) ?? '';
        expect(chapter).toContain(`${summary}.`);
        expect(documentedFlags(chapter)).toEqual(flagsOf(flags));
        if (oneOf.length > 0) expect(chapter).toContain('Exactly one of');
      });

      it('has its examples, and a result as JSON', () => {
        const chapter = chapters.get(name) ?? '';
        const lines = examples.map((example) => `mqadmin ${name} ${example}`.trim());
        expect(blockOf(chapter, 'sh').split('\n')).toEqual(lines);
        expect(() => JSON.parse(blockOf(chapter, 'json')) as unknown).not.toThrow();
      });
    },
  );
});
