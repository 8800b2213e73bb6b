import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { main } from '../src/cli.ts';
import { checkOptions } from '../src/options.ts';

const guide = readFileSync(new URL('../../../docs/guide/embedded-rocketmq.md', import.meta.url), 'utf8');
const settings = checkOptions({ dataDir: 'x' });

/** Rows of the table that begins with this head, by cell. */
function rowsOf(head: string): string[][] {
  const [, table = ''] = guide.split(`${head}\n`);
  const rows = table.split('\n').slice(1);
  return rows
    .slice(
      0,
      rows.findIndex((row) => !row.startsWith('|')),
    )
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe('the guide', () => {
  const options = rowsOf('| flag | option | default | meaning |');

  it('lists every limit with its default', () => {
    const listed = rowsOf('| limit | default | meaning |').map(([name = '', byDefault]) => [
      name.replaceAll('`', ''),
      Number(byDefault),
    ]);
    expect(Object.fromEntries(listed)).toEqual(settings.limits);
  });

  it('lists every option, with the default of those that are a number or a word', () => {
    const listed = new Map(
      options.map(([, option = '', byDefault = '']) => [/`(\w+)/.exec(option)?.[1], byDefault]),
    );
    listed.delete(undefined);
    const derived = ['delayLevels'];
    const names = Object.keys(settings).filter((name) => !derived.includes(name));
    expect([...listed.keys()].sort()).toEqual(names.sort());
    for (const name of names) {
      const value = settings[name as keyof typeof settings];
      const isPlain = typeof value === 'number' || typeof value === 'string';
      if (!isPlain || name === 'dataDir' || name === 'maxLogBytes') continue;
      expect([name, listed.get(name)]).toEqual([name, expect.stringContaining(String(value))]);
    }
    expect(listed.get('dataDir')).toContain('./data/rocketmq');
    expect(path.relative(process.cwd(), settings.dataDir)).toBe('x');
  });

  it('lists the flags that --help shows, and no others', async () => {
    const lines: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
    await main(['--help']).finally(() => vi.restoreAllMocks());
    const flagsOf = (text: string): string[] => [...new Set(text.match(/--[a-z][a-z-]+/g))].sort();
    const help = lines.join('').split('Examples:')[0] ?? '';
    expect(flagsOf(options.map(([flags]) => flags).join(' '))).toEqual(flagsOf(help));
  });
});
