import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@dt/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, migrate, planMigrations, type Database } from '../../src/database/index.ts';
import { MIGRATIONS } from './open-database.ts';

let test: TestDatabase;
let database: Database;
let folder: string;
beforeEach(async () => {
  test = await createTestDatabase();
  database = createDatabase({ connectionString: test.connectionString, maxConnections: 4 });
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  await cp(MIGRATIONS, folder, { recursive: true });
});
afterEach(async () => {
  await database.close();
  await test.drop();
  await rm(folder, { recursive: true });
});

const next = '0099_later.sql';
const files = async (): Promise<string[]> =>
  (await database.query<{ name: string }>('SELECT name FROM schema_migrations ORDER BY version')).rows.map(
    ({ name }) => name,
  );

describe('migrate', () => {
  it('applies the outbox and each file once, then nothing', async () => {
    const applied = await migrate(database);
    expect(applied).toEqual(
      expect.arrayContaining(['0001_players_and_money.sql', '0002_rounds_and_orders.sql']),
    );
    expect(await migrate(database)).toEqual([]);
    await database.query('SELECT FROM outbox, inbox, transfers, orders, player_statement');
  });

  it('lets instances that start together take it in turn', async () => {
    const all = await Promise.all([migrate(database), migrate(database), migrate(database)]);
    expect(all.flat()).toHaveLength(new Set(all.flat()).size);
    expect((await files()).length).toBeGreaterThan(0);
  });

  it('names a file that was changed after it had been applied', async () => {
    await migrate(database, { folder });
    await writeFile(join(folder, '0001_players_and_money.sql'), 'SELECT 1');
    await expect(migrate(database, { folder })).rejects.toMatchObject({
      code: 'migration-changed',
      message: expect.stringContaining('0001_players_and_money.sql was changed after') as string,
    });
  });

  it('takes no change of line ends for a change', async () => {
    await migrate(database);
    const path = join(folder, '0001_players_and_money.sql');
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll('\n', '\r\n'));
    expect(await migrate(database, { folder })).toEqual([]);
  });

  it('leaves nothing of a file that fails, and says which', async () => {
    await migrate(database, { folder });
    const number = (await files()).length + 1;
    const name = `${number.toString().padStart(4, '0')}_fails.sql`;
    await writeFile(join(folder, name), 'CREATE TABLE half (id integer); SELECT nonsense;');
    await expect(migrate(database, { folder })).rejects.toMatchObject({
      code: 'migration-failed',
      message: expect.stringContaining(`${name} failed: column "nonsense" does not exist`) as string,
    });
    await expect(database.query('SELECT FROM half')).rejects.toThrow('does not exist');
    await writeFile(join(folder, name), 'CREATE TABLE half (id integer)');
    expect(await migrate(database, { folder })).toEqual([name]);
  });

  it('refuses a folder with a gap in its numbers, and one without files', async () => {
    await writeFile(join(folder, next), 'SELECT 1');
    await expect(migrate(database, { folder })).rejects.toMatchObject({ code: 'migration-files-missing' });
    await expect(migrate(database, { folder: join(folder, 'none') })).rejects.toMatchObject({
      code: 'migration-files-missing',
    });
  });

  it('runs beside a newer program that has applied more', async () => {
    await migrate(database);
    await database.query(`INSERT INTO schema_migrations VALUES (99, '${next}', 'x')`);
    expect(await migrate(database)).toEqual([]);
  });
});

describe('the plan of migrate', () => {
  it('names in their order the files that migrate then applies, and changes nothing', async () => {
    const plan = await planMigrations(database, { folder });
    const { rows } = await database.query(
      'SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace',
      ['public'],
    );
    expect(rows).toEqual([]);
    expect(await migrate(database, { folder })).toEqual(plan.map(({ name }) => name));
    expect(await planMigrations(database, { folder })).toEqual([]);
  });

  it('has only what is missing, and tells a file that was changed', async () => {
    await migrate(database, { folder });
    const [first = ''] = await files();
    const number = String((await files()).length + 1).padStart(4, '0');
    await writeFile(join(folder, `${number}_more.sql`), 'CREATE TABLE more (id int);');
    expect(await planMigrations(database, { folder })).toEqual([
      { part: 'server', name: `${number}_more.sql`, sql: 'CREATE TABLE more (id int);' },
    ]);
    await writeFile(join(folder, first), 'SELECT 1;');
    await expect(planMigrations(database, { folder })).rejects.toMatchObject({ code: 'migration-changed' });
  });
});
