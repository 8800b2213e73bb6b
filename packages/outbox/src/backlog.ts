import { backlogSql, inboxBacklogSql, ownersSql } from './backlog.sql.ts';
import { type Queryable, select } from './database/database.ts';
import { tablesOf } from './schema/tables.ts';

export interface Backlog {
  readonly outbox: {
    readonly pending: number;
    /** Age of the oldest pending row, by the database's clock; 0 when none waits. */
    readonly oldestMs: number;
    /** Pending rows of which at least one attempt failed. */
    readonly retrying: number;
  };
  readonly inbox: readonly {
    readonly consumerGroup: string;
    readonly pending: number;
    readonly oldestMs: number;
  }[];
  /** Lanes by the instance that owns them; those of nobody under ''. */
  readonly lanes: readonly { readonly instance: string; readonly lanes: number }[];
}

/** What waits in outbox and inbox, for health checks and metrics. Costs a walk over the pending rows. */
export async function readBacklog(
  database: Queryable,
  options: { readonly schema?: string } = {},
): Promise<Backlog> {
  const tables = tablesOf(options.schema);
  const [outbox] = await select<{ pending: number; oldest_ms: number; retrying: number }>(
    database,
    backlogSql(tables),
    [],
  );
  const inbox = await select<{ consumer_group: string; pending: number; oldest_ms: number }>(
    database,
    inboxBacklogSql(tables),
    [],
  );
  const lanes = await select<{ instance: string; lanes: number }>(database, ownersSql(tables), []);
  return {
    outbox: {
      pending: outbox?.pending ?? 0,
      oldestMs: outbox?.oldest_ms ?? 0,
      retrying: outbox?.retrying ?? 0,
    },
    inbox: inbox.map((row) => ({
      consumerGroup: row.consumer_group,
      pending: row.pending,
      oldestMs: row.oldest_ms,
    })),
    lanes: lanes.map((row) => ({ instance: row.instance, lanes: row.lanes })),
  };
}
