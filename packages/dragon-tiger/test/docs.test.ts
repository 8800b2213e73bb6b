import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BETS, findPaytable } from '../src/index.ts';

it('the table of bets in the docs is the table of bets in the code, both ways', () => {
  const text = readFileSync(new URL('../../../docs/reference/bets.md', import.meta.url), 'utf8');
  const written = [
    ...text.matchAll(/^\| (\d+) \| (\w+) \| [^|]+ \| (yes|no) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm),
  ];
  const odds = (paytable: string, playType: number) => {
    const entry = findPaytable(paytable)?.entries.get(playType);
    if (entry === undefined) return '-';
    if (entry.onTie === undefined) return entry.pays;
    return `${entry.pays}, tie returns ${entry.onTie === 'half' ? 'half' : 'the stake'}`;
  };
  expect(written.map((row) => row.slice(1))).toEqual(
    BETS.map(({ playType, name, needsSuits }) => [
      String(playType),
      name,
      needsSuits ? 'yes' : 'no',
      ...['classic', 'standard', 'full'].map((paytable) => odds(paytable, playType)),
    ]),
  );
});
