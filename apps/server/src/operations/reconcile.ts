import { type Queryable } from '../database/index.ts';
import { CHECKS } from './reconcile.sql.ts';

/** One row that breaks an invariant. */
export interface Finding {
  /** What is broken, as `balance-is-sum-of-entries`. */
  readonly check: string;
  /** The row: an account, a round, a bill number, a message key. */
  readonly subject: string;
  /** Expected and found, in words. */
  readonly detail: string;
}

export interface ReconcileOptions {
  /**
   * Also hold statements and reports against the ledger. They follow it through the broker, so this is for when all
   * messages have arrived.
   * @default false
   */
  readonly projections?: boolean;
  /** Most findings per check. @default 100 */
  readonly limit?: number;
}

/** The money invariants as queries; no finding means that all hold. Reads only. */
export async function reconcile(database: Queryable, options: ReconcileOptions = {}): Promise<Finding[]> {
  const { projections = false, limit = 100 } = options;
  const findings: Finding[] = [];
  for (const check of CHECKS) {
    if (check.projections && !projections) continue;
    const { rows } = await database.query<{ subject: string; detail: string }>(
      `SELECT subject, detail FROM (${check.text}) AS found ORDER BY subject LIMIT $1`,
      [limit],
    );
    findings.push(...rows.map((row) => ({ check: check.name, ...row })));
  }
  return findings;
}
