import { OutboxError } from '../errors.ts';
import { requireMethod } from '../options.ts';
import { type Database, type Queryable, type Subscription } from './database.ts';

/** The part of a transaction of postgres.js (`sql` within `sql.begin`) that is used. */
export interface PostgresJsTransactionLike {
  unsafe(text: string, values?: never[]): PromiseLike<readonly unknown[] & { readonly count: number | null }>;
  savepoint(work: (sql: PostgresJsTransactionLike) => Promise<void>): Promise<unknown>;
}

/** The part of postgres.js that is used. */
export interface PostgresJsLike {
  unsafe: PostgresJsTransactionLike['unsafe'];
  begin(work: (sql: PostgresJsTransactionLike) => Promise<void>): Promise<unknown>;
  listen(channel: string, hear: (payload: string) => void): Promise<{ unlisten(): Promise<void> }>;
}

/**
 * A `Database` on postgres.js, or a `Queryable` on a transaction of it: `enqueue(fromPostgresJs(tx), …)` within
 * `sql.begin`. The connections stay the caller's. A transaction of postgres.js is over with the first statement that
 * fails, also when the failure is caught, unless it ran in `savepoint`.
 */
export function fromPostgresJs(sql: PostgresJsLike): Database;
export function fromPostgresJs(sql: PostgresJsTransactionLike): Queryable;
export function fromPostgresJs(sql: PostgresJsLike | PostgresJsTransactionLike): Queryable {
  requireMethod('fromPostgresJs', 'sql', sql, 'unsafe');
  if (!('begin' in sql)) return within(sql, () => false);
  const database: Database = {
    query: (text, values) => run(sql, text, values),
    transaction: (work) => inTransaction(sql, work),
    listen: (channel, hear) => listen(sql, channel, hear),
  };
  return database;
}

async function inTransaction<T>(sql: PostgresJsLike, work: (tx: Queryable) => Promise<T>): Promise<T> {
  // postgres.js gives the connection to others when it was cut, while `work` may still write.
  let over = false;
  try {
    return await through(
      (scope) => sql.begin(scope),
      (tx) => work(within(tx, () => over)),
    );
  } finally {
    over = true;
  }
}

async function listen(
  sql: PostgresJsLike,
  channel: string,
  hear: (payload: string) => void,
): Promise<Subscription> {
  const request = await sql.listen(channel, hear);
  return {
    // It connects again by itself.
    lost: new Promise(() => {}),
    check: async () => {
      await sql.unsafe('SELECT 1');
    },
    close: () => {
      // Nothing is left to listen when it fails.
      request.unlisten().catch(() => {});
    },
  };
}

function within(sql: PostgresJsTransactionLike, isOver: () => boolean): Queryable {
  return {
    query: async (text, values) => {
      if (isOver()) throw new OutboxError('transaction-over', 'the transaction has ended');
      return run(sql, text, values);
    },
    savepoint: (work) =>
      through(
        (scope) => sql.savepoint(scope),
        (inner) => work(within(inner, isOver)),
      ),
  };
}

/** Carries a result past a scope of postgres.js, which would take an array apart. */
async function through<T>(
  open: (scope: (sql: PostgresJsTransactionLike) => Promise<void>) => Promise<unknown>,
  work: (sql: PostgresJsTransactionLike) => Promise<T>,
): Promise<T> {
  const results: T[] = [];
  await open(async (sql) => {
    results.push(await work(sql));
  });
  return results[0] as T;
}

async function run(
  sql: Pick<PostgresJsLike, 'unsafe'>,
  text: string,
  values?: readonly unknown[],
): Promise<{ rows: readonly unknown[]; rowCount: number | null }> {
  // Without the second argument several statements may stand in a text.
  const rows = await (values === undefined ? sql.unsafe(text) : sql.unsafe(text, values.map(encode)));
  return { rows, rowCount: rows.count };
}

/**
 * Arrays as PostgreSQL writes them: postgres.js knows array types only when it was let fetch them at its start
 * (`fetch_types`).
 */
function encode(value: unknown): never {
  const known = Array.isArray(value) && value.every(isPlain) ? arrayLiteral(value) : value;
  // Its types ask for more than it needs: what a statement takes is known to the statement.
  return known as never;
}

function isPlain(element: unknown): element is string | number | null {
  return element === null || typeof element === 'string' || typeof element === 'number';
}

function arrayLiteral(values: readonly (string | number | null)[]): string {
  const elements = values.map((value) =>
    value === null ? 'NULL' : `"${String(value).replaceAll(/["\\]/g, '\\$&')}"`,
  );
  return `{${elements.join(',')}}`;
}
