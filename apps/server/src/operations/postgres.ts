import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '@dt/postgres-embedded';
import type { ClientConfig } from 'pg';
import type { Config } from '../config/index.ts';
import { describeError, type Log } from '../log/index.ts';

export interface OpenPostgres {
  /** For pg. */
  readonly connection: ClientConfig;
  /** Stops the embedded server if this process runs it. */
  close(): Promise<void>;
}

/** No database is configured, and none is here. */
export class NoDatabaseError extends Error {
  override readonly name = 'NoDatabaseError';
  readonly code = 'no-database';
}

export interface OpenPostgresOptions {
  /** Where none is configured: `start` an embedded one, use it `if-present` (its data exists already), or `never`. */
  embedded: 'start' | 'if-present' | 'never';
  dataDir: string;
  log: Log;
}

/**
 * The database to use: the configured one, else the embedded PostgreSQL under the data folder.
 *
 * @throws NoDatabaseError when there is neither
 */
export async function openPostgres(
  config: Config['database'],
  { embedded, dataDir, log }: OpenPostgresOptions,
): Promise<OpenPostgres> {
  if (config.url !== undefined)
    return { connection: { connectionString: config.url }, close: async () => undefined };
  const folder = join(dataDir, 'postgres');
  if (embedded === 'never' || (embedded === 'if-present' && !existsSync(folder))) {
    throw new NoDatabaseError(
      embedded === 'never'
        ? 'no database: set DATABASE_URL (or database.url), or run an embedded one with --embedded'
        : `no database: set DATABASE_URL (or database.url); an embedded one has no data at ${folder}: name its folder with --data-dir, or start one with dt serve --embedded`,
    );
  }
  const server = await startPostgres({ dataDir: folder });
  log.info(
    { data: folder, pid: server.pid },
    server.attached
      ? 'postgres: using the embedded server already running'
      : 'postgres: embedded server started',
  );
  return { connection: server.connection, close: () => server.stop() };
}

/** The database does not let us in; the message says where it was looked for, never with the password. */
export class DatabaseAwayError extends Error {
  override readonly name = 'DatabaseAwayError';
  readonly code = 'database-away';

  constructor(connection: ClientConfig, cause: unknown) {
    super(
      `the database at ${describeAddress(connection)} does not let us in: ${describeError(cause)}; check that it runs, and DATABASE_URL (or database.url)`,
      { cause },
    );
  }
}

/**
 * Asks the database once, so that a wrong address or password is named as what it is.
 *
 * @throws DatabaseAwayError
 */
export async function checkDatabase(
  database: { query(text: string): Promise<unknown> },
  { connection }: OpenPostgres,
): Promise<void> {
  try {
    await database.query('SELECT 1');
  } catch (cause) {
    throw new DatabaseAwayError(connection, cause);
  }
}

function describeAddress({ connectionString, host, port, database }: ClientConfig): string {
  if (connectionString === undefined) return `${host ?? ''}:${port ?? ''}/${database ?? ''}`;
  // Whatever stands between the scheme and the host may hold a password.
  return connectionString.replace(/^(\w+:\/\/)(?:[^/@]*@)?/, '').replace(/\?.*$/s, '');
}
