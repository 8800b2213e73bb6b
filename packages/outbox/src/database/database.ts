/**
 * Anything that runs one SQL text with `$1`-style parameters: a client of `pg`, a pool, an ORM's raw call. Parameters
 * are strings, numbers, null and arrays of those. Rows are objects by column name; `bigint` columns may come as
 * string, number or bigint. A text without parameters may hold several statements (migrations do).
 */
export interface Queryable {
  query(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: readonly unknown[]; rowCount: number | null }>;
  /**
   * Only for clients that take any failed statement for the end of the transaction unless it ran in a savepoint of
   * their own making, as postgres.js does: runs `work` in one, undoes it when it throws, and rethrows.
   */
  savepoint?<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
}

/** A place where statements run on their own, and where a transaction can be had. */
export interface Database extends Queryable {
  /** Begins, runs `work` on one connection, commits; rolls back and rethrows when `work` or the commit throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /**
   * Hears the payloads of a channel's notifications, on a connection kept for it. Without it a relay learns of other
   * processes' commits by polling.
   */
  listen?(channel: string, hear: (payload: string) => void): Promise<Subscription>;
}

export interface Subscription {
  /** Resolves to the cause when the connection breaks by itself; never rejects. */
  readonly lost: Promise<Error>;
  /** Asks the server for an answer: a connection that nothing goes over may be dead without a word. */
  check(): Promise<void>;
  /** Ends the connection. */
  close(): void;
}

/** Rows under the type that the statement's author knows them to have. */
export async function select<Row>(
  database: Queryable,
  text: string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const result = await database.query(text, values);
  return result.rows as readonly Row[];
}

/**
 * Runs `work` so that its failure leaves the transaction as it was before. Rethrows what `work` threw, and throws what
 * the database threw when the transaction itself is lost.
 */
export async function withSavepoint<T>(tx: Queryable, work: (tx: Queryable) => Promise<T>): Promise<T> {
  if (tx.savepoint !== undefined) return tx.savepoint(work);
  await tx.query('SAVEPOINT outbox_step');
  try {
    const result = await work(tx);
    // Within the try: it fails when `work` kept quiet about a statement that failed.
    await tx.query('RELEASE SAVEPOINT outbox_step');
    return result;
  } catch (error) {
    await tx.query('ROLLBACK TO SAVEPOINT outbox_step');
    throw error;
  }
}
