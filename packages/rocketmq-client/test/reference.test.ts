import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ROCKETMQ_ERROR_CODES } from '@dt/rocketmq-client';

/** The codes in the first column of the table under "Errors". */
async function documentedCodes(): Promise<string[]> {
  const page = await readFile(new URL('../../../docs/reference/rocketmq-client.md', import.meta.url), 'utf8');
  const chapter = page.split(/^## /m).find((part) => part.startsWith('Errors')) ?? '';
  const rows = chapter.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
  );
}

describe('the table of errors', () => {
  it('has every code, and none that does not exist', async () => {
    expect((await documentedCodes()).sort()).toEqual([...ROCKETMQ_ERROR_CODES].sort());
  });
});
