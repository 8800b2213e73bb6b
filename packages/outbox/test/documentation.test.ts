// docs/reference/outbox.md says what the code and the database have, and the example of the README runs as it stands.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '@dt/testkit';
import { createTestSchema, type TestSchema } from './support/database.ts';

const here = new URL('.', import.meta.url);
const read = (file: string): Promise<string> => readFile(new URL(file, here), 'utf8');
const page = await read('../../../docs/reference/outbox.md');

function chapter(heading: string): string {
  return page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
}

/** Tables under headings of the third level: the cells of each row. */
function tablesIn(part: string): Map<string, string[][]> {
  const tables = part.split(/^### /m).slice(1);
  return new Map(
    tables.map((table) => [
      /^\S+/.exec(table)?.[0] ?? '',
      table
        .split('\n')
        .filter((line) => line.startsWith('| `'))
        .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
        .map((cells) => cells.slice(1)),
    ]),
  );
}

const namesIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');

async function sources(): Promise<Map<string, string>> {
  const names = (await readdir(new URL('../src/', here), { recursive: true })).filter((n) =>
    n.endsWith('.ts'),
  );
  return new Map(
    await Promise.all(
      names.map(async (name) => [name.replaceAll('\\', '/'), await read(`../src/${name}`)] as const),
    ),
  );
}

/** Options that users can name: those that the door gives out. */
async function exportedOptions(): Promise<Map<string, Map<string, string>>> {
  const files = await sources();
  const doors = [...files].filter(([name]) => /(^|\/)index\.ts$/.test(name));
  const names = new Set(
    doors.flatMap(([, text]) => [...text.matchAll(/\b\w+Options\b/g)].map(([name]) => name)),
  );
  names.delete('BackoffOptions');
  return new Map([...names].map((name) => [name, fieldsOf([...files.values()].join('\n'), name)]));
}

/** Fields of an interface, with the default that each one's comment tells. */
function fieldsOf(source: string, name: string): Map<string, string> {
  const body = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n(.*?)^\\}`, 'ms').exec(source)?.[1] ?? '';
  const fields = new Map<string, string>();
  let comment = '';
  for (const line of body.split('\n')) {
    const [, field, optional] = /^ {2}readonly (\w+)(\??):/.exec(line) ?? [];
    if (field === undefined) {
      comment += line;
      continue;
    }
    const told = /@default (.*?)\s*\*\/$/.exec(comment)?.[1];
    fields.set(field, told ?? (optional === '?' ? 'none' : '–'));
    comment = '';
  }
  return fields;
}

describe('the reference', () => {
  it('has every option with its default, and none that does not exist', async () => {
    const documented = [...tablesIn(chapter('Options'))].map(([name, rows]) => {
      const defaults = new Map(rows.map((cells) => [namesIn(cells[0] ?? '')[0], cells[1]]));
      return [name, defaults] as const;
    });
    expect(new Map(documented)).toEqual(await exportedOptions());
  });

  describe('of the schema', () => {
    let schema: TestSchema;
    beforeAll(async () => {
      schema = await createTestSchema(2);
    });
    afterAll(() => schema.drop());

    it('has every table with every column, and none that does not exist', async () => {
      const { rows } = await schema.pool.query<{ name: string; columns: string[] }>(
        `SELECT table_name AS name, array_agg(column_name::text ORDER BY column_name::text) AS columns
         FROM information_schema.columns WHERE table_schema = 'public' GROUP BY 1`,
      );
      const documented = [...tablesIn(chapter('Tables'))].map(([name, cells]) => [
        name,
        cells.flatMap((row) => namesIn(row[0] ?? '')).sort(),
      ]);
      expect(Object.fromEntries(documented)).toEqual(
        Object.fromEntries(rows.map(({ name, columns }) => [name, [...columns].sort()])),
      );
    });

    it('has every function', async () => {
      const { rows } = await schema.pool.query<{ name: string }>(
        `SELECT proname AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
      );
      const documented = [...chapter('Functions').matchAll(/^\| `(\w+)` \|/gm)].map((row) => row[1]);
      expect(documented.sort()).toEqual(rows.map(({ name }) => name).sort());
    });
  });
});

describe('the README', () => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await createTestDatabase();
  });
  afterAll(() => test.drop());

  it('begins with an example that runs', async () => {
    const [beginning = ''] = (await read('../README.md')).split('## What it promises');
    const example = [...beginning.matchAll(/^```ts\n(.*?)^```$/gms)].map((block) => block[1]).join('\n');
    const { host, port, user = '', database = '' } = new pg.Client(test.connection);
    vi.stubEnv('PGHOST', host).stubEnv('PGPORT', String(port)).stubEnv('PGUSER', user);
    vi.stubEnv('PGDATABASE', database);
    onTestFinished(() => void vi.unstubAllEnvs());
    const pool = new pg.Pool(test.connection);
    await pool.query('CREATE TABLE account (owner text PRIMARY KEY, balance bigint, bets int)');
    await pool.query(`INSERT INTO account VALUES ('alice', 1000, 0)`);
    const said = vi.spyOn(console, 'log').mockImplementation(() => {});
    const folder = await scratchFolder();
    try {
      await writeFile(path.join(folder, 'example.ts'), example);
      await import(pathToFileURL(path.join(folder, 'example.ts')).href);
      expect(said.mock.calls).toEqual([['bets', '{"stake":100}']]);
      const { rows } = await pool.query('SELECT status, balance::int, bets FROM outbox CROSS JOIN account');
      expect(rows).toEqual([{ status: 1, balance: 900, bets: 1 }]);
    } finally {
      said.mockRestore();
      await rm(folder, { recursive: true });
      await pool.end();
    }
  });
});

/** Where imports of packages resolve as they do from a program. */
async function scratchFolder(): Promise<string> {
  const dist = path.join(import.meta.dirname, '..', 'dist');
  await mkdir(dist, { recursive: true });
  return mkdtemp(path.join(dist, 'example-'));
}
