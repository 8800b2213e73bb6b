import { OutboxError } from '../errors.ts';
import { requireMethod } from '../options.ts';
import { type Database, type Queryable } from './database.ts';

/** The part of a `QueryRunner` of TypeORM that is used. */
export interface TypeOrmRunnerLike {
  query(
    text: string,
    values: unknown[] | undefined,
    useStructuredResult: true,
  ): Promise<{ records: unknown[]; affected?: number | null | undefined }>;
  startTransaction(): Promise<void>;
  commitTransaction(): Promise<void>;
  rollbackTransaction(): Promise<void>;
  release(): Promise<void>;
}

/** The part of a `DataSource` of TypeORM that is used. */
export interface TypeOrmDataSourceLike {
  createQueryRunner(): TypeOrmRunnerLike;
}

/** The part of an `EntityManager` of TypeORM that is used: one within a transaction has a runner. */
export interface TypeOrmManagerLike {
  readonly queryRunner?: TypeOrmRunnerLike | undefined;
}

/**
 * A `Database` on a `DataSource` of TypeORM for PostgreSQL, or a `Queryable` on the manager of a transaction:
 * `enqueue(fromTypeOrm(manager), …)` within `dataSource.transaction`. The connections stay the data source's.
 * @throws OutboxError `invalid-option` for a manager outside a transaction
 */
export function fromTypeOrm(dataSource: TypeOrmDataSourceLike): Database;
export function fromTypeOrm(manager: TypeOrmManagerLike): Queryable;
export function fromTypeOrm(source: TypeOrmDataSourceLike | TypeOrmManagerLike): Queryable {
  if (!('createQueryRunner' in source)) {
    requireMethod('fromTypeOrm', 'manager.queryRunner', source.queryRunner, 'query');
    return on(source.queryRunner as TypeOrmRunnerLike);
  }
  const database: Database = {
    query: (text, values) => withRunner(source, (runner) => run(runner, text, values)),
    transaction: (work) => withRunner(source, (runner) => inTransaction(runner, work)),
  };
  return database;
}

async function withRunner<T>(
  source: TypeOrmDataSourceLike,
  work: (runner: TypeOrmRunnerLike) => Promise<T>,
): Promise<T> {
  const runner = source.createQueryRunner();
  try {
    return await work(runner);
  } finally {
    await runner.release();
  }
}

async function inTransaction<T>(runner: TypeOrmRunnerLike, work: (tx: Queryable) => Promise<T>): Promise<T> {
  await runner.startTransaction();
  try {
    const result = await work(on(runner));
    // A COMMIT after a failed statement rolls back, and TypeORM would report success.
    await run(runner, 'SELECT 1').catch((cause: unknown) => {
      throw new OutboxError(
        'rolled-back',
        'a statement of the transaction had failed: nothing was committed',
        { cause },
      );
    });
    await runner.commitTransaction();
    return result;
  } catch (error) {
    // The connection may be the cause; the first error tells more than that of the rollback.
    await runner.rollbackTransaction().catch(() => {});
    throw error;
  }
}

function on(runner: TypeOrmRunnerLike): Queryable {
  return { query: (text, values) => run(runner, text, values) };
}

async function run(
  runner: TypeOrmRunnerLike,
  text: string,
  values?: readonly unknown[],
): Promise<{ rows: readonly unknown[]; rowCount: number | null }> {
  const { records, affected } = await runner.query(text, values as unknown[] | undefined, true);
  return { rows: records, rowCount: affected ?? null };
}
