import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase, type OpenedDatabase } from '../../database/open-database.ts';
import { dt } from '../dt.ts';
import { putDeadRows } from './dead-rows.ts';

const guide = readFileSync(new URL('../../../../../docs/guide/dead-letters.md', import.meta.url), 'utf8');
const commands = [...guide.matchAll(/^\$ npx dt (.+)$/gm)].map(([, command = '']) => command);

let opened: OpenedDatabase;
beforeAll(async () => {
  opened = await openDatabase();
  await putDeadRows(opened.database);
});
afterAll(() => opened.close());

it.each(commands)('the guide’s command works: dt %s', async (command) => {
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const { code, stderr } = await dt(...words, '--set', `database.url=${opened.connectionString}`);
  // The messages that it names are examples.
  const unknown = /^dt: the (outbox|inbox) has no message .* \(not-found\)\n$/.test(stderr);
  expect({ code, stderr }).toEqual(unknown ? { code: 1, stderr } : { code: 0, stderr: '' });
});

it('the guide names every flag that picks messages', async () => {
  const { stdout } = await dt('inbox', 'list', '--help');
  const flags = [...stdout.matchAll(/^ +(--[a-z-]+)/gm)].map(([, flag]) => flag ?? '');
  const others = ['--set', '--data-dir', '--config', '--help'];
  expect(flags.length).toBeGreaterThan(15);
  expect(flags.filter((flag) => !others.includes(flag) && !guide.includes(`\`${flag}`))).toEqual([]);
});
