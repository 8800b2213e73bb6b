import { OutboxError } from '../errors.ts';
import { requireMethod } from '../options.ts';
import { quoteIdentifier } from '../schema/tables.ts';
import { type Database, type Queryable, type Subscription } from './database.ts';

/** The part of a `pg` pool that is used; `values` are mutable there, so the shape is spelled out. */
export interface PgPoolLike {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[]; rowCount: number | null }>;
  connect(callback: (error: Error | undefined, client: PgClientLike | undefined) => void): void;
}

export interface PgClientLike {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ rows: unknown[]; rowCount: number | null; command?: string }>;
  release(destroy?: Error | boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'notification', listener: (message: { payload?: string | undefined }) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * A `Database` on a pool of `pg`. The pool stays the caller's: its size, its time-outs, its `error` listener, its end.
 * A relay wants `concurrency + 3` connections of it at the busiest.
 */
export function fromPgPool(pool: PgPoolLike): Database {
  requireMethod('fromPgPool', 'pool', pool, 'connect');
  return {
    query: (text, values) => pool.query(text, values as unknown[] | undefined),
    transaction: (work) => inTransaction(pool, work),
    listen: (channel, hear) => listenOnPgPool(pool, channel, hear),
  };
}

/** `Database.listen` on a connection of a pool of `pg`: taken out of it, and thrown away at the end. */
export async function listenOnPgPool(
  pool: Pick<PgPoolLike, 'connect'>,
  channel: string,
  hear: (payload: string) => void,
): Promise<Subscription> {
  const client = await checkOut(pool, () => {});
  const lost = new Promise<Error>((resolve) => {
    client.on('error', resolve);
    client.on('end', () => {
      resolve(new Error('the connection was ended'));
    });
  });
  client.on('notification', ({ payload }) => {
    hear(payload ?? '');
  });
  try {
    await client.query(`LISTEN ${quoteIdentifier(channel)}`);
  } catch (error) {
    client.release(true);
    throw error;
  }
  let closed = false;
  return {
    lost,
    async check() {
      await client.query('SELECT 1');
    },
    close() {
      if (!closed) client.release(true);
      closed = true;
    },
  };
}

/**
 * A connection that breaks between two statements emits `error`; without a listener that would end the process. A promise
 * would come too late for that: what says that the connection is there may bring its end along.
 */
function checkOut(pool: Pick<PgPoolLike, 'connect'>, onError: (error: Error) => void): Promise<PgClientLike> {
  return new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      if (client === undefined) {
        reject(error ?? new Error('the pool gave no connection'));
        return;
      }
      client.on('error', onError);
      resolve(client);
    });
  });
}

async function inTransaction<T>(pool: PgPoolLike, work: (tx: Queryable) => Promise<T>): Promise<T> {
  // The next statement fails anyway and tells the caller.
  const onError = (): void => {};
  const client = await checkOut(pool, onError);
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work({
      query: (text, values) => client.query(text, values as unknown[] | undefined),
    });
    const end = await client.query('COMMIT');
    // PostgreSQL ends a transaction in which a statement failed this way, and calls it a success.
    if (end.command === 'ROLLBACK') {
      throw new OutboxError(
        'rolled-back',
        'a statement of the transaction had failed: nothing was committed',
      );
    }
    return result;
  } catch (error) {
    try {
      await client.query('ROLLBACK');
    } catch (rollbackError) {
      broken = rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError));
    }
    throw error;
  } finally {
    client.removeListener('error', onError);
    client.release(broken);
  }
}
