import { createHash } from 'node:crypto';
import { requireMethod } from '../options.ts';
import { type Queryable } from './database.ts';

/** The part of a client, or a pool, of `pg` that is used; others that take a named statement this way do as well. */
export interface NamedStatementsLike {
  query(
    statement: { name: string; text: string },
    values?: unknown[],
  ): Promise<{ rows: readonly unknown[]; rowCount: number | null }>;
}

const names = new Map<string, string>();

/**
 * The same connection, on which PostgreSQL parses and plans each text once, under a name made of it: for `enqueue`,
 * whose texts are few and have one plan only. Not for texts that are put together anew each time, as each stays on its
 * connection; not for those of relay and inbox, which are functions or are planned with the sizes of the moment; and not
 * behind a PgBouncer that shares connections by transaction without `max_prepared_statements`.
 */
export function prepared(client: NamedStatementsLike): Queryable {
  requireMethod('prepared', 'client', client, 'query');
  return {
    query(text, values) {
      let name = names.get(text);
      if (name === undefined) {
        name = `text-${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
        names.set(text, name);
      }
      return client.query({ name, text }, values as unknown[] | undefined);
    },
  };
}
