import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { OUTBOX_ERROR_CODES } from '../src/index.ts';

it('every code stands in the reference of errors, and none that does not exist', async () => {
  const page = await readFile(new URL('../../../docs/reference/errors.md', import.meta.url), 'utf8');
  const chapter = page.split(/^## /m).find((part) => part.startsWith('Outbox and inbox')) ?? '';
  const codes = [...chapter.matchAll(/^\| `([^`]+)` \|/gm)].map(([, code]) => code);
  expect(codes.sort()).toEqual([...OUTBOX_ERROR_CODES].sort());
});
