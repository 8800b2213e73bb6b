import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { type Database, type Queryable, select } from '../database/database.ts';
import { OutboxError } from '../errors.ts';
import { DEFAULT_SCHEMA, quoteIdentifier, type Tables, tablesOf } from './tables.ts';

// The same distance from src/schema and from dist/schema: tests and the published package read the same files.
const folder = new URL('../../migrations/', import.meta.url);

export interface MigrateOptions {
  /** Schema of the tables; created when missing. @default 'public' */
  readonly schema?: string;
}

export interface MigrationReport {
  /** File names applied by this call, in order. */
  readonly applied: readonly string[];
}

export interface PlannedMigration {
  /** File name. */
  readonly name: string;
  /** Its SQL. */
  readonly text: string;
}

interface Migration extends PlannedMigration {
  readonly version: number;
  readonly checksum: string;
}

/**
 * Brings the tables of this package to the newest version, in one transaction. Instances that start together wait for
 * each other. Migrations newer than this code knows are left alone, so old and new instances can run side by side.
 * @throws OutboxError `migration-changed` when a file differs from what was applied under its number.
 */
export async function migrate(database: Database, options: MigrateOptions = {}): Promise<MigrationReport> {
  const tables = tablesOf(options.schema ?? DEFAULT_SCHEMA);
  return database.transaction(async (tx) => {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('outbox migrations of ' || $1::text, 0))`, [
      tables.schema,
    ]);
    const [found] = await select<{ exists: boolean }>(
      tx,
      'SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS exists',
      [tables.schema],
    );
    // Not IF NOT EXISTS: that asks for the right to create even where there is nothing to do.
    if (found?.exists !== true) await tx.query(`CREATE SCHEMA ${quoteIdentifier(tables.schema)}`);
    await tx.query(`SELECT set_config('search_path', $1, true)`, [quoteIdentifier(tables.schema)]);
    await tx.query(
      `CREATE TABLE IF NOT EXISTS ${tables.migrations} (
         version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
         applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`,
    );
    const applied: string[] = [];
    for (const migration of await missing(tx, tables)) {
      await tx.query(migration.text);
      await tx.query(`INSERT INTO ${tables.migrations} (version, name, checksum) VALUES ($1, $2, $3)`, [
        migration.version,
        migration.name,
        migration.checksum,
      ]);
      applied.push(migration.name);
    }
    return { applied };
  });
}

/**
 * What `migrate` would apply, in order; changes nothing and waits for nobody.
 * @throws OutboxError `migration-changed` as `migrate` does
 */
export async function planMigrations(
  database: Queryable,
  options: MigrateOptions = {},
): Promise<readonly PlannedMigration[]> {
  const tables = tablesOf(options.schema ?? DEFAULT_SCHEMA);
  const [found] = await select<{ exists: boolean }>(
    database,
    'SELECT to_regclass($1) IS NOT NULL AS exists',
    [tables.migrations],
  );
  return found?.exists === true ? missing(database, tables) : readMigrations();
}

async function missing(database: Queryable, tables: Tables): Promise<Migration[]> {
  const rows = await select<{ version: number; checksum: string }>(
    database,
    `SELECT version, checksum FROM ${tables.migrations}`,
    [],
  );
  const done = new Map(rows.map((row) => [row.version, row.checksum]));
  return (await readMigrations()).filter(({ name, version, checksum }) => {
    const before = done.get(version);
    if (before !== undefined && before !== checksum) {
      throw new OutboxError(
        'migration-changed',
        `migration ${name} was applied to schema ${tables.schema} with checksum ${before}, the file now has ${checksum}: restore the file, changes belong into a new one`,
      );
    }
    return before === undefined;
  });
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      // A checkout on Windows may have changed the line ends; that is no change of the migration.
      const text = (await readFile(new URL(name, folder), 'utf8')).replaceAll('\r\n', '\n');
      return {
        version: Number(name.slice(0, 4)),
        name,
        text,
        checksum: createHash('sha256').update(text).digest('hex'),
      };
    }),
  );
}
