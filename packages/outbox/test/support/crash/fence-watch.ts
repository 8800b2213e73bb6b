import { acquireSql, type AcquiredLane } from '../../../src/relay/leases.sql.ts';
import { beginSql, markFailedSql, markSentSql } from '../../../src/relay/relay.sql.ts';
import { type Database } from '../../../src/index.ts';
import { type Tables } from '../../../src/schema/tables.ts';

/**
 * Looks at what relays ask of the database. Rule: once a lane is known to have been taken at a greater epoch, nothing is
 * begun with an older one, and no mark with an older one changes a row.
 */
export class FenceWatch {
  /** What broke the rule. */
  readonly broken: string[] = [];
  readonly #taken = new Map<number, number>();
  readonly #acquire: string;
  readonly #begin: string;
  readonly #markSent: string;
  readonly #markFailed: string;

  constructor(tables: Tables) {
    this.#acquire = acquireSql(tables, false);
    this.#begin = beginSql(tables);
    this.#markSent = markSentSql(tables);
    this.#markFailed = markFailedSql(tables, false);
  }

  watch(database: Database): Database {
    return { ...database, query: (text, values = []) => this.#query(database, text, values) };
  }

  async #query(database: Database, text: string, values: readonly unknown[]): ReturnType<Database['query']> {
    const isMark = text === this.#markSent || text === this.#markFailed;
    if (!isMark && text !== this.#begin && text !== this.#acquire) return database.query(text, values);
    const [lanes, epochs] = values as [unknown, unknown];
    // Judged by what was known before the statement left.
    const old = text === this.#acquire ? [] : this.#oldOf(lanes as number[], epochs as number[]);
    const result = await database.query(text, values);
    if (text === this.#acquire) this.#note(result.rows as AcquiredLane[]);
    else if (isMark) {
      const allOld = old.length === (lanes as number[]).length;
      const [first] = result.rows as { marked: number }[];
      const marked = text === this.#markSent ? first?.marked : result.rowCount;
      if (allOld && (marked ?? 0) > 0) this.broken.push(`marked in lanes ${old.join()} that were lost`);
    } else {
      const begun = new Set((result.rows as { lane: number | null }[]).map((row) => row.lane));
      const wrong = old.filter((lane) => begun.has(lane));
      if (wrong.length > 0) this.broken.push(`begun in lanes ${wrong.join()} that were lost`);
    }
    return result;
  }

  #oldOf(lanes: readonly number[], epochs: readonly number[]): number[] {
    return lanes.filter((lane, index) => (this.#taken.get(lane) ?? 0) > (epochs[index] ?? 0));
  }

  #note(rows: readonly AcquiredLane[]): void {
    for (const { lane, epoch } of rows) {
      this.#taken.set(lane, Math.max(this.#taken.get(lane) ?? 0, Number(epoch)));
    }
  }
}
