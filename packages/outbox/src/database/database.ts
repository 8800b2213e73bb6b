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
}

/** A place where statements run on their own, and where a transaction can be had. */
export interface Database extends Queryable {
  /** Begins, runs `work` on one connection, commits; rolls back and rethrows when `work` or the commit throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
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
