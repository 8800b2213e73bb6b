import { expect, it } from 'vitest';
import { formatTable } from '../../src/cli/table.ts';

it('lines columns up, numbers to the right, and counts wide characters as two', () => {
  expect(
    formatTable(
      ['status', 'count', 'text'],
      [
        ['0', '7', '余额'],
        ['1', '120', 'ok'],
      ],
      [true, true, false],
    ),
  ).toBe(
    ['status | count | text', '-------+-------+-----', '     0 |     7 | 余额', '     1 |   120 | ok'].join(
      '\n',
    ),
  );
});
