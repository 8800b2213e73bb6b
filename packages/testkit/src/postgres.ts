import crypto from 'node:crypto';
import pg from 'pg';
// Types only: also the declaration of what the global setup provides.
import type { ProvidedPostgres } from './vitest-postgres.ts';

export interface TestDatabase {
  connectionString: string;
  /** For `new pg.Pool(connection)`. */
  connection: pg.ClientConfig;
  /** Ends every connection to it and removes it. */
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** Makes the schema in the database at this address. Must close its connections. */
  prepare?: (connectionString: string) => Promise<void>;
  /**
   * What `prepare` makes, by name: it runs once a key and run, all later databases are clones of its result.
   * Without a key it runs for this database alone.
   */
  templateKey?: string;
}

/** First half of the advisory lock's key, so that the tests' own locks are never met. */
const LOCK_SPACE = 0x7465_7374;

/** A database of its own for a test file, on the run's server (global setup `vitest-postgres.ts`). */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { connectionString: server, templatePrefix } = await serverOfTheRun();
  const name = `test_${process.pid}_${crypto.randomBytes(6).toString('hex')}`;
  const { prepare, templateKey } = options;
  const connectionString = withDatabase(server, name);
  await withAdministrator(server, async (admin) => {
    if (prepare && templateKey !== undefined) {
      const template = await ensureTemplate(admin, server, templatePrefix, templateKey, prepare);
      await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    } else {
      await admin.query(`CREATE DATABASE ${name}`);
    }
  });
  const drop = (): Promise<void> =>
    withAdministrator(server, async (admin) => {
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    });
  if (prepare && templateKey === undefined) {
    try {
      await prepare(connectionString);
    } catch (error) {
      await drop();
      throw error;
    }
  }
  return { connectionString, connection: { connectionString }, drop };
}

/** The run's server; its database `postgres` is nobody's. For tests that need a server but no database of their own. */
export async function serverConnectionString(): Promise<string> {
  return (await serverOfTheRun()).connectionString;
}

async function serverOfTheRun(): Promise<ProvidedPostgres> {
  // Not at the top: the rest of this package also runs in processes that vitest knows nothing of.
  const { inject } = await import('vitest');
  const provided = inject('postgres');
  if (provided === undefined) {
    throw new Error(
      "no PostgreSQL in this run: the project needs globalSetup 'packages/testkit/src/vitest-postgres.ts'",
    );
  }
  return provided;
}

/** The template of a key, made when it is not there. It gets its name when it is complete, so no half one is cloned. */
async function ensureTemplate(
  admin: pg.Client,
  server: string,
  prefix: string,
  key: string,
  prepare: (connectionString: string) => Promise<void>,
): Promise<string> {
  const hash = crypto.createHash('sha256').update(key).digest();
  const template = `${prefix}${hash.toString('hex').slice(0, 16)}`;
  const lock = [LOCK_SPACE, hash.readInt32BE(0)];
  await admin.query('SELECT pg_advisory_lock($1, $2)', lock);
  try {
    const found = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [template]);
    if (found.rowCount === 0) {
      const unfinished = `${template}_unfinished`;
      await admin.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`);
      await admin.query(`CREATE DATABASE ${unfinished}`);
      await prepare(withDatabase(server, unfinished));
      await admin.query(`ALTER DATABASE ${unfinished} RENAME TO ${template}`);
    }
  } finally {
    await admin.query('SELECT pg_advisory_unlock($1, $2)', lock);
  }
  return template;
}

async function withAdministrator<T>(server: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

/** The same server, another database. */
export function withDatabase(connectionString: string, database: string): string {
  const match = /^(postgres(?:ql)?:\/\/[^/]*\/)([^?]*)(\?.*)?$/.exec(connectionString);
  if (!match) throw new Error('the connection string is not of the form postgresql://user@host/database');
  return `${match[1]}${encodeURIComponent(database)}${match[3] ?? ''}`;
}
