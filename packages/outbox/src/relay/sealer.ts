import { type Queryable, select } from '../database/database.ts';
import { type Tables } from '../schema/tables.ts';
import { lastIdSql, writersSql } from './relay.sql.ts';

/**
 * Knows an id up to which no row can appear any more. Ids are taken before the commit, so a row may become visible long
 * after rows with greater ids; a position that ran ahead of it would lose it. The greatest id handed out is noted, then
 * the transactions that hold a writer's lock on the table; once all of those have ended, the range up to the noted id
 * is sealed. Transactions that do not write the outbox, old snapshots among them, do not hold this up.
 */
export class Sealer {
  readonly #database: Queryable;
  readonly #lastId: string;
  readonly #writers: string;
  #sealed = 0;
  #candidate: { readonly id: number; readonly writers: ReadonlySet<string> } | undefined;

  constructor(database: Queryable, tables: Tables) {
    this.#database = database;
    this.#lastId = lastIdSql(tables);
    this.#writers = writersSql(tables);
  }

  /** Every row with an id up to this one is visible to any later snapshot, or will never exist. */
  get sealed(): number {
    return this.#sealed;
  }

  /** Resolves to whether every id handed out by now is sealed. */
  async advance(): Promise<boolean> {
    // The id first: a transaction that takes a smaller one after this has its lock in the list below.
    const [last] = await select<{ last_id: string | number | bigint }>(this.#database, this.#lastId, []);
    const id = Number(last?.last_id ?? 0);
    if (id <= this.#sealed) return true;
    const rows = await select<{ writer: string }>(this.#database, this.#writers, []);
    const writers = new Set(rows.map((row) => row.writer));
    // A transaction that was prepared for two-phase commit goes on under a new name, so none can be told to have ended.
    for (const writer of writers) if (writer.startsWith('-1/')) return false;
    if (this.#candidate !== undefined) {
      for (const writer of this.#candidate.writers) if (writers.has(writer)) return false;
      this.#sealed = this.#candidate.id;
    }
    if (writers.size === 0) this.#sealed = id;
    this.#candidate = writers.size === 0 ? undefined : { id, writers };
    return this.#sealed >= id;
  }
}
