import { type Database, select } from '../database/database.ts';
import { pause, withDeadline } from '../deadline.ts';
import { type Box } from '../dead-letters/letter.ts';
import { type Tables } from '../schema/tables.ts';
import { nextPace } from './pace.ts';
import { type SweptRow, sweepSql, type TakenRow, takeSql } from './retention.sql.ts';

export interface SweepOptions {
  readonly database: Database;
  readonly tables: Tables;
  readonly box: Box;
  readonly owner: string;
  readonly ageMs: number;
  readonly leaseMs: number;
  readonly batchSize: number;
}

/** What one run over a table came to. */
export interface RetentionRun {
  readonly box: Box;
  readonly dropped: number;
  readonly batches: number;
  readonly durationMs: number;
}

const QUERY_TIMEOUT_MS = 15_000;
/** Every so many runs the walk begins at the first row, for those that were not done yet when it passed them. */
const RUNS_PER_WHOLE_WALK = 60;

/** Drops what has been done for long enough from one table. */
export class Sweep {
  readonly #options: SweepOptions;
  readonly #take: string;
  readonly #sweep: string;
  #runs = 0;
  #afterId = 0;
  #rows: number;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#take = takeSql(options.tables, options.box);
    this.#sweep = sweepSql(options.tables, options.box);
    this.#rows = options.batchSize;
  }

  /** One run, up to the rows that are too young; undefined when another process has the duty. */
  async run(signal: AbortSignal): Promise<RetentionRun | undefined> {
    const { box, owner, ageMs, leaseMs, batchSize } = this.#options;
    const startedMs = performance.now();
    const [taken] = await this.#select<TakenRow>(this.#take, [owner, leaseMs, ageMs]);
    if (taken === undefined) return undefined;
    if (this.#runs++ % RUNS_PER_WHOLE_WALK === 0) this.#afterId = 0;
    let dropped = 0;
    let batches = 0;
    while (!signal.aborted) {
      const batchMs = performance.now();
      const limit = this.#rows;
      const values = [owner, leaseMs, this.#afterId, limit, taken.cutoff];
      const [swept] = await this.#select<SweptRow>(this.#sweep, values);
      if (swept === undefined || !swept.mine) return undefined;
      dropped += swept.dropped;
      batches += 1;
      // Ids follow the time of creation but for some milliseconds: where no row is old any more, none is behind.
      if (swept.old === 0) break;
      this.#afterId = Number(swept.last_old_id);
      if (swept.walked < limit) break;
      const pace = nextPace(limit, batchSize, performance.now() - batchMs);
      this.#rows = pace.rows;
      await pause(pace.restMs, signal);
    }
    return { box, dropped, batches, durationMs: performance.now() - startedMs };
  }

  #select<Row>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const { database, box } = this.#options;
    return withDeadline(select<Row>(database, text, values), QUERY_TIMEOUT_MS, `retention of the ${box}`);
  }
}
