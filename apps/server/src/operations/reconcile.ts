import { type Queryable } from '../database/index.ts';
import { type Check, CHECKS } from './reconcile.sql.ts';

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
  /**
   * With `projections`: whose inbox must have applied every sent row.
   * @default none, inbox rows are not looked for
   */
  readonly consumerGroup?: string;
  /** Most findings per check. @default 100 */
  readonly limit?: number;
}

/** The names of the invariants that are looked at, in their order. */
export function reconciledChecks(options: ReconcileOptions = {}): string[] {
  return checksOf(options).map(({ name }) => name);
}

/** The money invariants as queries; no finding means that all hold. Reads only. */
export async function reconcile(database: Queryable, options: ReconcileOptions = {}): Promise<Finding[]> {
  const { consumerGroup, limit = 100 } = options;
  const findings: Finding[] = [];
  for (const { name, ofGroup, text } of checksOf(options)) {
    const { rows } = await database.query<{ subject: string; detail: string }>(
      `SELECT subject, detail FROM (${text}) AS found ORDER BY subject LIMIT $1`,
      ofGroup ? [limit, consumerGroup] : [limit],
    );
    findings.push(...rows.map((row) => ({ check: name, ...row })));
  }
  return findings;
}

function checksOf({ projections = false, consumerGroup }: ReconcileOptions): Check[] {
  return CHECKS.filter(
    (check) => (projections || !check.projections) && (consumerGroup !== undefined || !check.ofGroup),
  );
}
