import { type Queryable, select } from '../database/database.ts';
import { pause } from '../deadline.ts';
import { OutboxError } from '../errors.ts';
import { integerOption, nameOption } from '../options.ts';
import { type Tables } from '../schema/tables.ts';
import { type CountRow, countSql, overtakersSql, type ReplayedRow, replaySql } from './dead-letters.sql.ts';
import { type Box } from './letter.ts';

/** What a replay would do. */
export interface ReplayPlan {
  readonly messages: number;
  /** Their sharding keys. */
  readonly keys: number;
  /** Dead ones that match and are left as they are: what cannot be read cannot be applied. */
  readonly unreadable: number;
  /** Later messages of those keys that are through already: a replay comes behind them. */
  readonly overtakers: number;
  /** The moment of this look, by the database's clock: `asOf` of a replay that is to take no others. */
  readonly asOf: string;
}

export interface ReplayOptions {
  /** Who asks for it; kept in the history. */
  readonly by: string;
  /** Messages a second. @default as many as the database takes */
  readonly ratePerSecond?: number;
  /** Most messages of one transaction. @default 500 */
  readonly batchSize?: number;
  /** Begins after this id: to go on where an earlier replay stopped. @default from the oldest */
  readonly after?: number;
  /** Leaves what died later. @default now */
  readonly asOf?: string;
  /** Stops between two transactions. */
  readonly signal?: AbortSignal;
  /** After each transaction. */
  readonly onProgress?: (progress: ReplayProgress) => void;
}

export interface ReplayProgress {
  readonly replayed: number;
  /** Messages that matched at the beginning. */
  readonly total: number;
  /** Everything that matches up to here is replayed: `after` of the next call. */
  readonly lastId: number | undefined;
}

export interface ReplayReport extends ReplayProgress {
  readonly unreadable: number;
  /** False when the signal stopped it. */
  readonly finished: boolean;
}

export async function planReplay(
  database: Queryable,
  tables: Tables,
  box: Box,
  values: readonly unknown[],
): Promise<ReplayPlan> {
  const { messages, keys, unreadable, now: asOf } = await count(database, tables, box, [...values, null]);
  // The walk over the table is spared where nothing would be replayed.
  const [overtakers] =
    messages === 0 ? [] : await select<{ messages: number }>(database, overtakersSql(tables, box), values);
  return { messages, keys, unreadable, overtakers: overtakers?.messages ?? 0, asOf };
}

/**
 * Replays what matches, oldest first, each once: a bounded number a transaction, so that no lock is held for long and a
 * stop in between leaves nothing half done.
 */
export async function replay(
  database: Queryable,
  tables: Tables,
  box: Box,
  filter: readonly unknown[],
  options: ReplayOptions,
): Promise<ReplayReport> {
  const by = nameOption('replay', 'by', options.by);
  const rate = optional('ratePerSecond', options.ratePerSecond, 1_000_000);
  const after = afterOption(options.after);
  const batchSize = Math.min(
    optional('batchSize', options.batchSize, 10_000) ?? 500,
    // Four steps a second: a slow replay is to be even, not one burst after the other.
    rate === undefined ? Infinity : Math.max(1, Math.floor(rate / 4)),
  );
  const signal = options.signal ?? new AbortController().signal;
  const asOf = asOfOption(options.asOf);
  const found = await count(database, tables, box, [...filter, after, asOf]);
  const { messages: total, unreadable } = found;
  const sql = replaySql(tables, box);
  const startedMs = performance.now();
  let replayed = 0;
  let lastId: number | undefined;
  for (;;) {
    if (signal.aborted) return { replayed, total, lastId, unreadable, finished: false };
    const [row] = await select<ReplayedRow>(database, sql, [
      ...filter,
      lastId ?? after,
      batchSize,
      asOf ?? found.now,
      by,
    ]);
    const messages = row?.messages ?? 0;
    replayed += messages;
    if (messages > 0) lastId = Number(row?.last_id);
    options.onProgress?.({ replayed, total, lastId });
    if (messages < batchSize) return { replayed, total, lastId, unreadable, finished: true };
    if (rate !== undefined)
      await pause(Math.max(0, startedMs + (replayed * 1000) / rate - performance.now()), signal);
  }
}

async function count(
  database: Queryable,
  tables: Tables,
  box: Box,
  values: readonly unknown[],
): Promise<CountRow> {
  const [row] = await select<CountRow>(database, countSql(tables, box), values);
  return row as CountRow;
}

/** An id, or null for none. */
export function afterOption(after: number | undefined): number | null {
  return after === undefined ? null : integerOption('DeadLetters', 'after', after, 0, 0);
}

function asOfOption(asOf: string | undefined): string | null {
  if (asOf === undefined) return null;
  if (!Number.isNaN(Date.parse(asOf))) return asOf;
  throw new OutboxError(
    'invalid-option',
    `replay: asOf is ${JSON.stringify(asOf)}, allowed is that of a plan`,
  );
}

function optional(name: string, value: number | undefined, max: number): number | undefined {
  return value === undefined ? undefined : integerOption('replay', name, value, 0, 1, max);
}
