import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type OpenedDatabase } from './open-database.ts';

const DOCUMENT = fileURLToPath(new URL('../../../../docs/reference/tables.md', import.meta.url));

let opened: OpenedDatabase;
beforeAll(async () => {
  opened = await openDatabase();
});
afterAll(() => opened.close());

/** `table.column type` of each row of the document's tables. */
async function documented(): Promise<string[]> {
  const found: string[] = [];
  let table = '';
  for (const line of (await readFile(DOCUMENT, 'utf8')).split('\n')) {
    table = /^## (\w+)$/.exec(line)?.[1] ?? table;
    const column = /^\|\s*`(\w+)`\s*\|\s*([^|]*?)\s*\|/.exec(line);
    if (column) found.push(`${table}.${column[1]} ${column[2]}`);
  }
  return found.sort();
}

describe('docs/reference/tables.md', () => {
  it('has each column of each table of the server, with its type, and no column that does not exist', async () => {
    const { rows } = await opened.database.query<{ name: string; line: string }>(
      `SELECT c.relname AS name, c.relname || '.' || a.attname || ' ' ||
              replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz') ||
              CASE WHEN a.attnotnull THEN '' ELSE ', null' END AS line
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped`,
    );
    const columns = rows.map(({ line }) => line);
    const lines = await documented();
    expect(lines.filter((line) => !columns.includes(line))).toEqual([]);
    // Outbox and inbox are another package's: what it adds for itself need not stand here.
    const own = rows.filter(({ name }) => !/^(outbox|inbox)/.test(name)).map(({ line }) => line);
    expect(own.filter((line) => !lines.includes(line))).toEqual([]);
  });
});
