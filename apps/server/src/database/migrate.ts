import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { migrate as migrateOutbox, planMigrations as planOutbox } from '@dt/outbox';
import { type Database, type Queryable } from './database.ts';
import { DatabaseError } from './errors.ts';

export interface Migration {
  readonly version: number;
  /** File name, as `0001_players_and_money.sql`. */
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

export interface MigrateOptions {
  /** @default the folder `migrations` of this package */
  readonly folder?: string;
  /** Told of each file that is applied. */
  readonly onApplied?: (name: string) => void;
}

// The same distance from src/database and from dist/database.
const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;
// A new index on a large table takes its time.
const STATEMENT_TIMEOUT_MS = 600_000;
// Any fixed number does: two instances that start together take it in turn.
const LOCK_KEY = '7310868735421973';

/**
 * Brings the database to the newest schema: the outbox's own tables first, then each file in a transaction of its
 * own. Safe to call from any number of instances at once; a second call does nothing. Files that only a newer program
 * knows are left alone, so that old and new instances can run side by side.
 *
 * @returns the names of the files applied by this call
 * @throws DatabaseError `migration-changed` when an applied file reads differently now, `migration-failed` with
 *   PostgreSQL's error as its cause
 */
export async function migrate(database: Database, options: MigrateOptions = {}): Promise<string[]> {
  const migrations = await readMigrations(options.folder ?? FOLDER);
  const applied = [...(await migrateOutbox(database)).applied];
  for (const migration of migrations) {
    const isNew = await database.transaction((tx) => applyOnce(tx, migration));
    if (isNew) {
      applied.push(migration.name);
      options.onApplied?.(migration.name);
    }
  }
  return applied;
}

export interface PlannedMigration {
  readonly part: 'outbox' | 'server';
  /** File name. */
  readonly name: string;
  readonly sql: string;
}

/**
 * What `migrate` would apply, in order; changes nothing and waits for nobody.
 *
 * @throws DatabaseError `migration-changed`, as `migrate` does
 */
export async function planMigrations(
  database: Queryable,
  options: Pick<MigrateOptions, 'folder'> = {},
): Promise<PlannedMigration[]> {
  const plan: PlannedMigration[] = (await planOutbox(database)).map(({ name, text }) => ({
    part: 'outbox',
    name,
    sql: text,
  }));
  const { rows: tables } = await database.query<{ exists: boolean }>(
    `SELECT to_regclass('schema_migrations') IS NOT NULL AS exists`,
  );
  const { rows: done } =
    tables[0]?.exists === true
      ? await database.query<{ version: number; checksum: string }>(
          'SELECT version, checksum FROM schema_migrations',
        )
      : { rows: [] };
  for (const migration of await readMigrations(options.folder ?? FOLDER)) {
    const before = done.find(({ version }) => version === migration.version);
    if (before !== undefined) checkUnchanged(migration, before.checksum);
    else plan.push({ part: 'server', name: migration.name, sql: migration.sql });
  }
  return plan;
}

/** Reads and orders the files of a folder; the numbers go 1, 2, 3 without a gap. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new DatabaseError('migration-files-missing', `migrations: cannot read the folder ${folder}`, {
      cause,
    });
  });
  const migrations: Migration[] = [];
  for (const name of names.filter((file) => file.endsWith('.sql')).sort()) {
    const version = Number(FILE_NAME.exec(name)?.[1]);
    if (version !== migrations.length + 1) {
      throw new DatabaseError(
        'migration-files-missing',
        `migrations: ${name} is not number ${migrations.length + 1}; names are 0001_words.sql, without a gap`,
      );
    }
    // Line ends are the checkout's business, not a change of the schema.
    const sql = (await readFile(`${folder}/${name}`, 'utf8')).replaceAll('\r\n', '\n');
    migrations.push({ version, name, sql, checksum: createHash('sha256').update(sql).digest('hex') });
  }
  if (migrations.length === 0) {
    throw new DatabaseError('migration-files-missing', `migrations: no .sql file in ${folder}`);
  }
  return migrations;
}

async function applyOnce(tx: Queryable, migration: Migration): Promise<boolean> {
  await tx.query(`SET LOCAL lock_timeout = '60s'`);
  await tx.query(`SET LOCAL statement_timeout = '${STATEMENT_TIMEOUT_MS}ms'`);
  // Instances take it in turn; the lock goes with the transaction, whatever happens to this process.
  await tx.query('SELECT pg_advisory_xact_lock($1::bigint)', [LOCK_KEY]);
  await tx.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`);
  const { rows } = await tx.query<{ checksum: string }>(
    'SELECT checksum FROM schema_migrations WHERE version = $1',
    [migration.version],
  );
  const before = rows[0];
  if (before !== undefined) {
    checkUnchanged(migration, before.checksum);
    return false;
  }
  try {
    await tx.query({ text: migration.sql, answerTimeoutMs: STATEMENT_TIMEOUT_MS + 10_000 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DatabaseError('migration-failed', `migrations: ${migration.name} failed: ${why}`, { cause });
  }
  await tx.query('INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)', [
    migration.version,
    migration.name,
    migration.checksum,
  ]);
  return true;
}

function checkUnchanged({ name, checksum }: Migration, applied: string): void {
  if (applied === checksum) return;
  throw new DatabaseError(
    'migration-changed',
    `migrations: ${name} was changed after it had been applied (checksum ${applied.slice(0, 12)} ` +
      `applied, ${checksum.slice(0, 12)} now); bring the file back and write a new one for the change`,
  );
}
