import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withFileLock } from '../../src/process/file-lock.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dt-lock-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('lets one in at a time', async () => {
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside--;
  };
  await Promise.all(Array.from({ length: 4 }, () => withFileLock(join(folder, 'a'), 5000, work)));
  expect(most).toBe(1);
});

test('takes over from a process that is gone, and not from one that lives', async () => {
  // Larger than any process number.
  await writeFile(join(folder, 'b'), '99999999');
  expect(await withFileLock(join(folder, 'b'), 1000, async () => 'done')).toBe('done');
  await writeFile(join(folder, 'c'), String(process.ppid));
  await expect(withFileLock(join(folder, 'c'), 150, async () => 'done')).rejects.toMatchObject({
    code: 'timeout',
  });
});

test('is free again after work that failed', async () => {
  const failing = withFileLock(join(folder, 'd'), 1000, () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(await withFileLock(join(folder, 'd'), 1000, async () => 'done')).toBe('done');
});
