import { setTimeout as delay } from 'node:timers/promises';
import { listenOnPgPool, type Subscription } from '@dt/outbox';
import pg from 'pg';
import { DatabaseError, sqlState } from './errors.ts';

/** A statement that PostgreSQL parses and plans once per connection. `name` is unique in the program. */
export interface Statement {
  /** Without one it is planned for each run, with its values in sight. */
  readonly name?: string;
  readonly text: string;
  /** @default answerTimeoutMs of the database */
  readonly answerTimeoutMs?: number;
}

export interface QueryResult<Row> {
  readonly rows: Row[];
  readonly rowCount: number | null;
}

/**
 * Anything that runs SQL. Values come back as the driver's defaults: `bigint` and `numeric` as text (an amount
 * never passes through a float; the mappers make a `bigint` of it), `timestamptz` as a `Date` of whole ms.
 */
export interface Queryable {
  query<Row extends object = Record<string, unknown>>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
}

export interface Database extends Queryable {
  readonly pool: pg.Pool;
  /**
   * Runs `work` in one READ COMMITTED transaction and commits it; whatever it throws rolls back. `work` runs
   * again from its start when PostgreSQL reports a serialization failure or a deadlock, and never otherwise: a
   * connection lost in COMMIT leaves the outcome open, and that is for the caller's idempotency to decide.
   *
   * Queries of one transaction may be started together (`Promise.all`): they are sent at once and run in order.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Hears the payloads of a channel's notifications, on a connection of the pool kept for it. */
  listen(channel: string, hear: (payload: string) => void): Promise<Subscription>;
  /** Waits for running work, at most `closeTimeoutMs`. */
  close(): Promise<void>;
}

export interface TransactionOptions {
  /** Runs in all, first one included. @default 5 */
  readonly maxAttempts?: number;
  /** PostgreSQL settings for this transaction alone, sent along with its BEGIN: they cost no round trip. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * For transactions whose every statement finds its rows by a key. A named statement keeps the plan of its first runs,
 * and those may see an empty table, where reading all of it looks cheapest: ten thousand orders later the same plan
 * took 14 ms where 0.5 ms are needed.
 */
export const PLANS_BY_KEY: Readonly<Record<string, string>> = {
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
};

export interface DatabaseOptions {
  /** One of the two is needed. */
  readonly connectionString?: string;
  readonly connection?: pg.ClientConfig;
  /** @default 10 */
  readonly maxConnections?: number;
  /** How long a caller waits for a free connection or a new one. @default 5000 */
  readonly connectTimeoutMs?: number;
  /** @default 15000 */
  readonly statementTimeoutMs?: number;
  /** @default 10000 */
  readonly lockTimeoutMs?: number;
  /** A transaction left open this long is ended by PostgreSQL. @default 15000 */
  readonly idleInTransactionTimeoutMs?: number;
  /**
   * When nothing at all comes back for this long (a network that swallows packets), the connection is given up. Longer
   * than any statement may take: the server's own time-outs come first.
   * @default 90000
   */
  readonly answerTimeoutMs?: number;
  /** @default 10000 */
  readonly closeTimeoutMs?: number;
  /** As it shows in pg_stat_activity. @default 'dt-server' */
  readonly applicationName?: string;
  /** Told of connections that break while nobody uses them. */
  readonly onConnectionError?: (error: Error) => void;
}

const SERIALIZATION_FAILURE = '40001';
const DEADLOCK_DETECTED = '40P01';

export function createDatabase(options: DatabaseOptions): Database {
  const settings = checkOptions(options);
  const pool = new pg.Pool({
    ...(options.connectionString === undefined
      ? options.connection
      : { connectionString: options.connectionString }),
    max: settings.maxConnections,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    statement_timeout: settings.statementTimeoutMs,
    lock_timeout: settings.lockTimeoutMs,
    idle_in_transaction_session_timeout: settings.idleInTransactionTimeoutMs,
    query_timeout: settings.answerTimeoutMs,
    application_name: settings.applicationName,
    keepAlive: true,
    // Queries started together go out together, which halves the round trips of a batch of bets.
    pipeline: true,
  });
  const report = options.onConnectionError ?? (() => undefined);
  pool.on('error', report);
  // A connection that breaks while it is checked out speaks through its own event; unheard it would end the process.
  pool.on('connect', (client) => client.on('error', report));

  async function attempt<T>(work: (tx: Queryable) => Promise<T>, begin: string): Promise<T> {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query(begin);
      const result = await work({ query: (statement, values) => run(client, statement, values) });
      await client.query('COMMIT');
      return result;
    } catch (error) {
      // A connection that cannot even roll back is thrown away; PostgreSQL then rolls back by itself.
      await client.query('ROLLBACK').catch((cause: unknown) => {
        broken = cause instanceof Error ? cause : new Error(String(cause));
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  return {
    pool,
    query: (statement, values) => run(pool, statement, values),
    async transaction(work, { maxAttempts = 5, settings = {} } = {}) {
      const begin = beginWith(settings);
      for (let tries = 1; ; tries += 1) {
        try {
          return await attempt(work, begin);
        } catch (error) {
          const state = sqlState(error);
          if (tries >= maxAttempts || (state !== SERIALIZATION_FAILURE && state !== DEADLOCK_DETECTED))
            throw error;
          // Growing and scattered, so that two that met do not meet again.
          await delay(Math.random() * 10 * 2 ** tries);
        }
      }
    },
    listen: (channel, hear) => listenOnPgPool(pool, channel, hear),
    async close() {
      const abort = new AbortController();
      const late = delay(settings.closeTimeoutMs, undefined, { signal: abort.signal, ref: false }).catch(
        () => undefined,
      );
      await Promise.race([pool.end(), late]);
      abort.abort();
    },
  };
}

function beginWith(settings: Readonly<Record<string, string>>): string {
  const local = Object.entries(settings).map(
    ([name, value]) => `; SET LOCAL ${pg.escapeIdentifier(name)} TO ${pg.escapeLiteral(value)}`,
  );
  return `BEGIN${local.join('')}`;
}

async function run<Row extends object>(
  on: pg.Pool | pg.PoolClient,
  statement: string | Statement,
  values: readonly unknown[] = [],
): Promise<QueryResult<Row>> {
  const { name, text, answerTimeoutMs } =
    typeof statement === 'string' ? ({ text: statement } satisfies Statement as Statement) : statement;
  const { rows, rowCount } = await on.query<Row>({
    text,
    ...(name !== undefined && { name }),
    ...(answerTimeoutMs !== undefined && { query_timeout: answerTimeoutMs }),
    ...(values.length > 0 && { values: [...values] }),
  });
  return { rows, rowCount };
}

function checkOptions(options: DatabaseOptions) {
  if (options.connectionString === undefined && options.connection === undefined) {
    throw new DatabaseError('options-invalid', 'database: connectionString or connection is needed');
  }
  const number = (
    field: keyof DatabaseOptions,
    value: number | undefined,
    byDefault: number,
    least: number,
  ) => {
    const checked = value ?? byDefault;
    if (!Number.isSafeInteger(checked) || checked < least || checked > 2_147_483_647) {
      throw new DatabaseError(
        'options-invalid',
        `database: ${field} is ${checked}; allowed: a whole number from ${least}`,
      );
    }
    return checked;
  };
  return {
    maxConnections: number('maxConnections', options.maxConnections, 10, 1),
    connectTimeoutMs: number('connectTimeoutMs', options.connectTimeoutMs, 5000, 1),
    statementTimeoutMs: number('statementTimeoutMs', options.statementTimeoutMs, 15_000, 1),
    lockTimeoutMs: number('lockTimeoutMs', options.lockTimeoutMs, 10_000, 1),
    idleInTransactionTimeoutMs: number(
      'idleInTransactionTimeoutMs',
      options.idleInTransactionTimeoutMs,
      15_000,
      1,
    ),
    answerTimeoutMs: number('answerTimeoutMs', options.answerTimeoutMs, 90_000, 1),
    closeTimeoutMs: number('closeTimeoutMs', options.closeTimeoutMs, 10_000, 1),
    applicationName: options.applicationName ?? 'dt-server',
  };
}
