import { type Database, type Queryable, select } from '../database/database.ts';
import { pause } from '../deadline.ts';
import { type Tables } from '../schema/tables.ts';
import { type Applier, type AttemptResult } from './applier.ts';
import { dueKeysSql, lockKeySql, pendingOfKeySql, type PendingRow, resultSql } from './inbox.sql.ts';
import { type InboxMessage } from './message.ts';
import { resultArrays, type StoredResult, unknownResult } from './result.ts';

export interface RetryWorkerOptions {
  readonly database: Database;
  readonly tables: Tables;
  readonly group: string;
  readonly applier: Applier;
  readonly statementTimeout: string;
  readonly pollMs: number;
  readonly resultOf: (
    attempt: number,
    result: AttemptResult & { status: 'failed' },
  ) => Omit<StoredResult, 'messageKey'>;
  readonly onError: (error: unknown) => void;
}

const KEYS_PER_LOOK = 100;
const MESSAGES_PER_TRANSACTION = 50;

/** Tries failed messages again, the oldest of each sharding key first; those behind it follow when it is through. */
export class RetryWorker {
  readonly #options: RetryWorkerOptions;
  readonly #sql: Record<'dueKeys' | 'lockKey' | 'pendingOfKey' | 'result', string>;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #retried = 0;

  constructor(options: RetryWorkerOptions) {
    this.#options = options;
    const { tables } = options;
    this.#sql = {
      dueKeys: dueKeysSql(tables),
      lockKey: lockKeySql(tables),
      pendingOfKey: pendingOfKeySql(tables),
      result: resultSql(tables),
    };
  }

  /** Messages that a later attempt applied. */
  get retried(): number {
    return this.#retried;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let more = false;
      try {
        more = await this.#look();
      } catch (error) {
        this.#options.onError(error);
      }
      if (!more) await pause(this.#options.pollMs, signal);
    }
  }

  /** Works off the keys that are due; resolves to whether it is worth to look again at once. */
  async #look(): Promise<boolean> {
    const { database, group } = this.#options;
    const keys = await select<{ sharding_key: string }>(database, this.#sql.dueKeys, [group, KEYS_PER_LOOK]);
    let more = false;
    for (const { sharding_key: key } of keys) {
      if (this.#stop.signal.aborted) return false;
      try {
        more = (await this.#retryKey(key)) || more;
      } catch (error) {
        this.#options.onError(error);
      }
    }
    return more;
  }

  /** Resolves to whether the key has more that may be tried at once. */
  async #retryKey(key: string): Promise<boolean> {
    const { database, group, statementTimeout } = this.#options;
    let applied = 0;
    const more = await database.transaction(async (tx) => {
      const [lock] = await select<{ locked: boolean }>(tx, this.#sql.lockKey, [group, key, statementTimeout]);
      if (lock?.locked !== true) return false;
      const rows = await select<PendingRow>(tx, this.#sql.pendingOfKey, [
        group,
        key,
        MESSAGES_PER_TRANSACTION,
      ]);
      const results = await this.#tryInOrder(tx, key, rows);
      if (results.length > 0) await tx.query(this.#sql.result, resultArrays(group, results));
      applied = results.filter((result) => result.status === 1).length;
      return (
        rows.length === MESSAGES_PER_TRANSACTION &&
        results.length === rows.length &&
        results.at(-1)?.status !== 0
      );
    });
    this.#retried += applied;
    return more;
  }

  async #tryInOrder(tx: Queryable, key: string, rows: readonly PendingRow[]): Promise<StoredResult[]> {
    const { applier, resultOf } = this.#options;
    const results: StoredResult[] = [];
    for (const row of rows) {
      if (!row.due || this.#stop.signal.aborted) break;
      const attempt = row.attempts + 1;
      const message = toMessage(key, row);
      const { messageKey } = message;
      const result = await applier.attempt(tx, message, attempt, false);
      switch (result.status) {
        case 'applied':
          results.push({ messageKey, status: 1, attempts: attempt, delayMs: null, error: null });
          break;
        case 'unknown':
          if (applier.unknownTag === 'dead') results.push(unknownResult(message, row.attempts));
          else results.push({ messageKey, status: 1, attempts: attempt, delayMs: null, error: null });
          break;
        case 'failed': {
          const stored = { messageKey, ...resultOf(attempt, result) };
          results.push(stored);
          if (stored.status === 0) return results;
          break;
        }
      }
    }
    return results;
  }
}

function toMessage(shardingKey: string, row: PendingRow): InboxMessage {
  return {
    messageKey: row.message_key,
    topic: row.topic,
    tag: row.tag ?? undefined,
    shardingKey,
    payload: JSON.parse(row.payload) as unknown,
    headers: row.headers === null ? {} : (JSON.parse(row.headers) as Record<string, string>),
    messageId: row.message_id ?? undefined,
  };
}
