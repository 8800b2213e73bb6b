import { expect, it } from 'vitest';
import { Columns } from '../../src/output/index.ts';

const columns = new Columns([
  { title: '#Name', width: 8 },
  { title: '#Size', width: 6, align: 'right', gap: 1 },
  { title: '#Rest' },
]);

it('puts values under their titles and no blanks behind them', () => {
  expect(columns.header()).toBe('#Name     #Size  #Rest');
  expect(columns.row(['a', 17, 'x'])).toBe('a            17  x');
  expect(columns.row(['a'])).toBe('a');
});

it('cuts no value that is too long', () => {
  expect(columns.row(['a-long-name', 1234567, true])).toBe('a-long-name 1234567  true');
});
