import { type Database, type Queryable, select, withSavepoint } from '../database/database.ts';
import { settlesWithin } from '../deadline.ts';
import { channels, tell } from '../diagnostics.ts';
import { errorText, OutboxError } from '../errors.ts';
import { backoffOption, choiceOption, integerOption, nameOption, requireMethod } from '../options.ts';
import { backoffMs, type BackoffOptions } from '../backoff.ts';
import { tablesOf } from '../schema/tables.ts';
import { asDead, decode, type Incoming } from './decode.ts';
import { Applier, type AttemptResult } from './applier.ts';
import { checkSql, insertSql, type InsertedRow, lineUpSql, resultSql } from './inbox.sql.ts';
import { isConflict, redoOnConflict } from './conflict.ts';
import { type Handlers, type ReceivedMessage } from './message.ts';
import { resultArrays, type StoredResult, unknownResult } from './result.ts';
import { RetryWorker } from './retry-worker.ts';

export interface InboxOptions {
  readonly database: Database;
  /** The name under which messages are remembered; each group applies each message once. */
  readonly consumerGroup: string;
  readonly handlers: Handlers;
  /** @default 'public' */
  readonly schema?: string;
  /** A message whose tag has no handler: done without an effect, or dead. Counted either way. @default 'done' */
  readonly unknownTag?: 'done' | 'dead';
  /** Attempts after which a message is dead and its sharding key goes on. @default 10 */
  readonly maxAttempts?: number;
  /** Delay after a failed attempt: doubled each time, with a random part. @default 1000 up to 60000 */
  readonly retry?: Partial<BackoffOptions>;
  /** Longest time of one call of a handler, and of one of its statements. @default 30000 */
  readonly handlerTimeoutMs?: number;
  /** Pause between two looks for messages to try again. @default 500 */
  readonly pollMs?: number;
  /** `close()` waits so long for transactions under way; then it ends their handlers. @default 10000 */
  readonly closeTimeoutMs?: number;
  /** After each commit. */
  readonly onBatch?: (batch: InboxBatch) => void;
  /** A handler that failed (with the message), or a look for retries that failed (without). */
  readonly onError?: (
    error: unknown,
    message?: { messageKey: string; tag: string | undefined; attempt: number },
  ) => void;
}

/** What one `receive()` came to. */
export interface InboxBatch {
  readonly received: number;
  readonly applied: number;
  /** Seen before: nothing done. */
  readonly duplicates: number;
  /** Stored to be applied later: the handler failed, or an earlier message of the key waits. */
  readonly deferred: number;
  /** Stored as dead. */
  readonly dead: number;
  /** Among the applied or dead: no handler for the tag. */
  readonly unknown: number;
  readonly durationMs: number;
  /** From the sending of the oldest message to the commit, by the clocks of both machines; absent when not told. */
  readonly oldestMs: number | undefined;
}

export interface InboxStats extends Omit<InboxBatch, 'durationMs' | 'oldestMs'> {
  readonly batches: number;
  /** Attempts that failed. */
  readonly failures: number;
  /** Messages applied by a later attempt. */
  readonly retried: number;
  readonly underWay: number;
}

/** Messages of one transaction when they are applied one at a time. */
const CAREFUL_CHUNK = 64;

/**
 * Receives messages so that each takes effect once. `receive()` resolves when the messages and their effects are
 * committed; only then may the broker be acknowledged. When it rejects, nothing is lost: deliver them again.
 *
 * Order per sharding key holds as long as the broker hands a key's messages to one `receive()` at a time, as it does
 * with one consumer a queue.
 */
export class Inbox {
  readonly #database: Database;
  readonly #group: string;
  readonly #closeTimeoutMs: number;
  readonly #maxAttempts: number;
  readonly #retry: BackoffOptions;
  readonly #statementTimeout: string;
  readonly #insert: string;
  readonly #lineUp: string;
  readonly #result: string;
  readonly #applier: Applier;
  readonly #worker: RetryWorker;
  readonly #onBatch: (batch: InboxBatch) => void;
  readonly #onError: NonNullable<InboxOptions['onError']>;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #counters = {
    batches: 0,
    received: 0,
    applied: 0,
    duplicates: 0,
    deferred: 0,
    dead: 0,
    unknown: 0,
  };
  readonly #stop = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(options: InboxOptions) {
    requireMethod('Inbox', 'database', options.database, 'transaction');
    const integer = (name: keyof InboxOptions, fallback: number, min: number): number =>
      integerOption('Inbox', name, options[name] as number | undefined, fallback, min);
    const unknownTag = choiceOption('Inbox', 'unknownTag', options.unknownTag ?? 'done', ['done', 'dead']);
    const tables = tablesOf(options.schema);
    this.#database = options.database;
    this.#group = nameOption('Inbox', 'consumerGroup', options.consumerGroup);
    this.#closeTimeoutMs = integer('closeTimeoutMs', 10_000, 0);
    this.#maxAttempts = integer('maxAttempts', 10, 1);
    this.#retry = backoffOption('Inbox', 'retry', options.retry, { initialMs: 1000, maxMs: 60_000 });
    const handlerTimeoutMs = integer('handlerTimeoutMs', 30_000, 1);
    this.#statementTimeout = `${handlerTimeoutMs}ms`;
    this.#insert = insertSql(tables);
    this.#lineUp = lineUpSql(tables);
    this.#result = resultSql(tables);
    this.#onBatch = options.onBatch ?? ((): void => {});
    const onError: NonNullable<InboxOptions['onError']> = (error, message) => {
      tell(channels.inboxError, () => ({ ...message, consumerGroup: this.#group, error }));
      try {
        options.onError?.(error, message);
      } catch {
        // Nobody is left to tell.
      }
    };
    this.#onError = onError;
    this.#applier = new Applier({
      handlers: options.handlers,
      group: this.#group,
      handlerTimeoutMs,
      unknownTag,
      signal: this.#stop.signal,
      onError,
    });
    this.#worker = new RetryWorker({
      database: options.database,
      tables,
      group: this.#group,
      applier: this.#applier,
      statementTimeout: this.#statementTimeout,
      pollMs: integer('pollMs', 500, 10),
      resultOf: (attempt, result) => this.#resultOf(attempt, result),
      onError,
    });
  }

  /** Starts to try again what failed; needed in at least one process of the consumer group. */
  start(): void {
    if (this.#closing !== undefined) throw new OutboxError('closed', 'Inbox: start() after close()');
    this.#worker.start();
  }

  /**
   * Stores and applies a batch in one transaction. A handler that fails costs its own message alone: the batch is done
   * again with a savepoint a message, what failed is stored to be tried later, and what follows it in its sharding key
   * lines up behind it.
   * @throws what the database threw, or OutboxError `closed`; to be delivered again.
   */
  async receive(messages: readonly ReceivedMessage[]): Promise<InboxBatch> {
    if (this.#closing !== undefined) throw new OutboxError('closed', 'Inbox: receive() after close()');
    const work = this.#receive(messages);
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  stats(): InboxStats {
    return {
      ...this.#counters,
      ...this.#applier.counters,
      retried: this.#worker.retried,
      underWay: this.#underWay.size,
    };
  }

  /**
   * Refuses new messages and waits, for a bounded time, for transactions under way. Handlers that are not through by
   * then are ended, which counts as no attempt: their `receive()` rejects with `closed` and has changed nothing.
   */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const work = Promise.allSettled([...this.#underWay, this.#worker.close()]);
      if (await settlesWithin(work, this.#closeTimeoutMs)) return;
      this.#stop.abort(new OutboxError('closed', 'the inbox is closed', { retryable: true }));
      await settlesWithin(work, 1000);
    })();
    return this.#closing;
  }

  async #receive(messages: readonly ReceivedMessage[]): Promise<InboxBatch> {
    const startedMs = performance.now();
    const incoming = messages.map(decode);
    const tally = { applied: 0, deferred: 0, dead: 0, unknown: 0, stored: 0 };
    if (incoming.length > 0) {
      try {
        add(tally, await redoOnConflict(() => this.#applyWhole(incoming)));
      } catch (error) {
        if (this.#stop.signal.aborted) throw error;
        // Whatever it was: one by one it hits its own message only, or it shows again.
        for (let from = 0; from < incoming.length; from += CAREFUL_CHUNK) {
          const chunk = incoming.slice(from, from + CAREFUL_CHUNK);
          add(tally, await redoOnConflict((lastTry) => this.#applyOneByOne(chunk, lastTry)));
        }
      }
    }
    const { stored, ...counts } = tally;
    const batch = { received: messages.length, duplicates: messages.length - stored, ...counts };
    this.#counters.batches += 1;
    for (const key of ['received', 'applied', 'duplicates', 'deferred', 'dead', 'unknown'] as const) {
      this.#counters[key] += batch[key];
    }
    const sentAtMs = messages.reduce(
      (least, message) => Math.min(least, message.sentAtMs ?? Infinity),
      Infinity,
    );
    const report = {
      ...batch,
      durationMs: performance.now() - startedMs,
      oldestMs: sentAtMs === Infinity ? undefined : Math.max(0, Date.now() - sentAtMs),
    };
    tell(channels.inboxBatch, () => ({ ...report, consumerGroup: this.#group }));
    try {
      this.#onBatch(report);
    } catch (error) {
      // The batch is committed: a hook that fails must not have it delivered again.
      this.#onError(error);
    }
    return report;
  }

  /** The usual way: one insert, the handlers, commit. Any failure rolls all of it back. */
  async #applyWhole(incoming: readonly Incoming[]): Promise<Tally> {
    return this.#database.transaction(async (tx) => {
      const stored = await this.#store(tx, incoming);
      const fresh = stored.filter(({ status }) => status === 1).map(({ message }) => message);
      const unknown = await this.#applier.applyAll(tx, fresh);
      const results =
        this.#applier.unknownTag === 'dead' ? unknown.map((message) => unknownResult(message, 0)) : [];
      await this.#writeResults(tx, results);
      await tx.query(checkSql);
      return tallyOf(stored, unknown.length, results);
    });
  }

  /** The careful way: a savepoint a message. */
  async #applyOneByOne(incoming: readonly Incoming[], lastTry: boolean): Promise<Tally> {
    return this.#database.transaction(async (tx) => {
      const stored = await this.#storeCarefully(tx, incoming);
      const waiting = new Set(
        stored.filter(({ status }) => status === 0).map(({ message }) => message.shardingKey),
      );
      const results: StoredResult[] = [];
      const unknown: Incoming[] = [];
      for (const { message, status } of stored) {
        if (status !== 1) continue;
        if (waiting.has(message.shardingKey)) {
          results.push({
            messageKey: message.messageKey,
            status: 0,
            attempts: 0,
            delayMs: null,
            error: null,
          });
          continue;
        }
        const result = await this.#applier.attempt(tx, message, 1, lastTry);
        if (result.status === 'unknown') {
          unknown.push(message);
          if (this.#applier.unknownTag === 'dead') results.push(unknownResult(message, 0));
        }
        if (result.status !== 'failed') continue;
        const row = { messageKey: message.messageKey, ...this.#resultOf(1, result) };
        if (row.status === 0) waiting.add(message.shardingKey);
        results.push(row);
      }
      await this.#writeResults(tx, results);
      await tx.query(checkSql);
      return tallyOf(stored, unknown.length, results);
    });
  }

  async #store(tx: Queryable, incoming: readonly Incoming[]): Promise<Stored[]> {
    const rows = await select<InsertedRow>(tx, this.#insert, [
      this.#group,
      incoming.map((m) => m.messageKey),
      incoming.map((m) => m.topic),
      incoming.map((m) => m.tag ?? null),
      incoming.map((m) => m.shardingKey),
      incoming.map((m) => m.payloadText),
      incoming.map((m) => (m.payloadText === null ? Buffer.from(m.body).toString('hex') : null)),
      incoming.map((m) => m.headersText),
      incoming.map((m) => m.messageId ?? null),
      this.#statementTimeout,
      incoming.map((m) => m.error),
    ]);
    const statuses = new Map(rows.map((row) => [row.message_key, row.status]));
    const stored: Stored[] = [];
    for (const message of incoming) {
      const status = statuses.get(message.messageKey);
      if (status === undefined) continue;
      // The first of equals is the one inserted.
      statuses.delete(message.messageKey);
      stored.push({ message, status });
    }
    return stored.length === incoming.length ? stored : this.#lineUpBehindOthers(tx, incoming, stored);
  }

  /**
   * A message seen before may have been another consumer's, whose transaction the insert waited for: it has a queue
   * after a rebalance, or had it before. When that one failed, the insert could not see it wait yet, nor stand behind it.
   */
  async #lineUpBehindOthers(
    tx: Queryable,
    incoming: readonly Incoming[],
    stored: readonly Stored[],
  ): Promise<Stored[]> {
    const fresh = new Set(stored.map(({ message }) => message));
    const seenBefore = new Set(incoming.filter((m) => !fresh.has(m)).map((m) => m.shardingKey));
    const inDoubt = stored.filter((s) => s.status !== 2 && seenBefore.has(s.message.shardingKey));
    if (inDoubt.length === 0) return [...stored];
    const keys = inDoubt.map(({ message }) => message.messageKey);
    const rows = await select<{ message_key: string }>(tx, this.#lineUp, [this.#group, keys]);
    const waiting = new Set(rows.map((row) => row.message_key));
    return stored.map((s) => (waiting.has(s.message.messageKey) ? { ...s, status: 0 } : s));
  }

  /** Stores one by one when the database refuses the whole; what it refuses alone is kept as dead. */
  async #storeCarefully(tx: Queryable, incoming: readonly Incoming[]): Promise<Stored[]> {
    try {
      return await withSavepoint(tx, (step) => this.#store(step, incoming));
    } catch (error) {
      if (isConflict(error)) throw error;
      const [only] = incoming;
      if (incoming.length === 1 && only !== undefined) {
        return this.#store(tx, [asDead(only, `the database refuses it: ${errorText(error)}`)]);
      }
      const stored: Stored[] = [];
      for (const message of incoming) stored.push(...(await this.#storeCarefully(tx, [message])));
      return stored;
    }
  }

  #resultOf(attempt: number, result: AttemptResult & { status: 'failed' }): Omit<StoredResult, 'messageKey'> {
    const error = errorText(result.error);
    if (attempt >= this.#maxAttempts) return { status: 2, attempts: attempt, delayMs: null, error };
    return { status: 0, attempts: attempt, delayMs: backoffMs(this.#retry, attempt), error };
  }

  async #writeResults(tx: Queryable, results: readonly StoredResult[]): Promise<void> {
    if (results.length > 0) await tx.query(this.#result, resultArrays(this.#group, results));
  }
}

interface Stored {
  readonly message: Incoming;
  readonly status: number;
}

type Tally = Record<'applied' | 'deferred' | 'dead' | 'unknown' | 'stored', number>;

function add(sum: Tally, part: Tally): void {
  for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += part[key];
}

function tallyOf(stored: readonly Stored[], unknown: number, results: readonly StoredResult[]): Tally {
  const count = (status: number): number =>
    stored.filter((s) => s.status === status).length + results.filter((r) => r.status === status).length;
  const [deferred, dead] = [count(0), count(2)];
  return { stored: stored.length, applied: stored.length - deferred - dead, deferred, dead, unknown };
}
