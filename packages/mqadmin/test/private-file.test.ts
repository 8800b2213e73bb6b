import { mkdtempSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writePrivateFile } from '../src/private-file.ts';

const folders: string[] = [];
const before = process.env['TMPDIR'];

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'mqadmin-'));
  folders.push(folder);
  process.env['TMPDIR'] = folder;
});
afterEach(() => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

it('writes for the owner alone, again and again', async () => {
  await writePrivateFile(['msgbodys'], 'id', 'a longer text');
  const path = await writePrivateFile(['msgbodys'], 'id', 'text');
  expect(readFileSync(path, 'utf8')).toBe('text');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('is led out of its folder neither by a name nor by a link', async () => {
  const [folder = ''] = folders;
  const outside = join(folder, 'outside');
  writeFileSync(outside, 'untouched');
  const path = await writePrivateFile(['msgbodys'], '../../outside', 'text');
  expect(path).toBe(join(folder, 'rocketmq', 'msgbodys', '______outside'));
  mkdirSync(join(folder, 'rocketmq', 'links'), { recursive: true });
  symlinkSync(outside, join(folder, 'rocketmq', 'links', 'id'));
  expect(await writePrivateFile(['links'], 'id', 'text')).toContain('not written');
  expect(readFileSync(outside, 'utf8')).toBe('untouched');
});
