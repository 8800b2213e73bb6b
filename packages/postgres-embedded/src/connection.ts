import path from 'node:path';
import pg from 'pg';

/** Everything a driver needs; the fields are those of `pg`. */
export interface PostgresConnection {
  /** A folder with the server's socket, or an IP address. */
  host: string;
  port: number;
  user: string;
  password?: string;
  database: string;
}

/** A URI that `pg` and libpq's programs (psql, pg_dump) understand. */
export function connectionStringOf(connection: PostgresConnection): string {
  const { host, port, user, password, database } = connection;
  const who = encodeURIComponent(user) + (password === undefined ? '' : `:${encodeURIComponent(password)}`);
  const name = encodeURIComponent(database);
  return path.isAbsolute(host)
    ? `postgresql://${who}@/${name}?host=${encodeURIComponent(host)}&port=${port}`
    : `postgresql://${who}@${host}:${port}/${name}`;
}

/** Logs in, which proves that the server serves, and makes the database when it is not there. */
export async function ensureDatabase(connection: PostgresConnection, timeoutMs: number): Promise<void> {
  const client = new pg.Client({
    ...connection,
    database: 'postgres',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // A server that goes away reports here too; the query in flight rejects with the reason.
  client.on('error', () => {});
  try {
    await client.connect();
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [connection.database]);
    if (found.rowCount === 0)
      await client.query(`CREATE DATABASE ${pg.escapeIdentifier(connection.database)}`);
  } catch (error) {
    const duplicate = error instanceof pg.DatabaseError && (error.code === '42P04' || error.code === '23505');
    // Another process has made it in between.
    if (!duplicate) throw error;
  } finally {
    await client.end().catch(() => {});
  }
}
