import { createDatabase, type Database, sqlState } from '../database/index.ts';
import type { Config } from '../config/index.ts';
import { createLog } from '../log/index.ts';
import { checkDatabase, openPostgres } from '../operations/postgres.ts';
import { readSettings, type SettingsFlags } from './settings.ts';

/** The tables are not there, or older than this version. */
export class NotMigratedError extends Error {
  override readonly name = 'NotMigratedError';
  readonly code = 'not-migrated';
}

/**
 * Opens the server's database for one command: the configured one, else the embedded one under `--data-dir`, whether a
 * server is running on it or not.
 *
 * @throws NoDatabaseError, DatabaseAwayError, NotMigratedError
 */
export async function withDatabase<T>(
  flags: SettingsFlags,
  work: (database: Database, config: Config) => Promise<T>,
): Promise<T> {
  const { config } = await readSettings(flags);
  const postgres = await openPostgres(config.database, {
    embedded: 'if-present',
    dataDir: flags.dataDir,
    log: createLog({ level: 'silent' }),
  });
  const database = createDatabase({
    connection: postgres.connection,
    maxConnections: 2,
    applicationName: 'dt',
    // A filter may have to look at every row.
    statementTimeoutMs: 60_000,
  });
  try {
    await checkDatabase(database, postgres);
    return await work(database, config);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new NotMigratedError(
      `the database is not at the schema of this version (${(error as Error).message}): run dt migrate, or start the server of this version`,
      { cause: error },
    );
  } finally {
    await database.close();
    await postgres.close();
  }
}

/** undefined_table and undefined_column. */
function isMissing(error: unknown): boolean {
  return ['42P01', '42703'].includes(sqlState(error) ?? '');
}
