import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Database } from '../database/database.ts';
import { pause, withDeadline } from '../deadline.ts';
import { channels, tell } from '../diagnostics.ts';
import { OutboxError } from '../errors.ts';
import { choiceOption, integerOption, requireMethod } from '../options.ts';
import { tablesOf } from '../schema/tables.ts';
import { yieldSql } from './retention.sql.ts';
import { type RetentionRun, Sweep } from './sweep.ts';

export interface RetentionOptions {
  readonly database: Database;
  /** @default 'public' */
  readonly schema?: string;
  /** Sent rows of the outbox are dropped at this age; `Infinity` keeps them. @default 604800000 (7 days) */
  readonly outboxMs?: number;
  /**
   * Applied rows of the inbox are dropped at this age; `Infinity` keeps them. They are the memory by which a message
   * that comes again is known: keep it longer than the broker can redeliver. @default 2592000000 (30 days)
   */
  readonly inboxMs?: number;
  /**
   * How long after its sending the broker may still deliver a message again, in ms. Asked once at the start, and held
   * against `inboxMs`.
   */
  readonly redeliverySpanMs?: () => Promise<number>;
  /** What becomes of an `inboxMs` shorter than that: `start()` rejects, or `onError` is told. @default 'refuse' */
  readonly onShortMemory?: 'refuse' | 'warn';
  /** Pause between two runs. @default 60000 */
  readonly everyMs?: number;
  /** Most rows of one statement. @default 1000 */
  readonly batchSize?: number;
  /** After each run of this process. */
  readonly onRun?: (run: RetentionRun) => void;
  /** What went wrong and is tried again at the next run. @default nothing */
  readonly onError?: (error: unknown) => void;
}

export const DEFAULT_OUTBOX_MS = 7 * 24 * 3_600_000;
export const DEFAULT_INBOX_MS = 30 * 24 * 3_600_000;

/**
 * Drops rows that are done once they are old enough, in small batches with rests between them; pending and dead rows
 * stay for ever. Start one in each process: one at a time does the work, and another takes over when it is gone.
 */
export class Retention {
  readonly #database: Database;
  readonly #owner = `${hostname()}:${process.pid}/${randomUUID()}`;
  readonly #yield: string;
  readonly #everyMs: number;
  readonly #inboxMs: number;
  readonly #redeliverySpanMs: (() => Promise<number>) | undefined;
  readonly #onShortMemory: 'refuse' | 'warn';
  readonly #sweeps: readonly Sweep[];
  readonly #onRun: (run: RetentionRun) => void;
  readonly #onError: (error: unknown) => void;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: RetentionOptions) {
    requireMethod('Retention', 'database', options.database, 'query');
    const { database } = options;
    const tables = tablesOf(options.schema);
    const everyMs = integerOption('Retention', 'everyMs', options.everyMs, 60_000, 10);
    const batchSize = integerOption('Retention', 'batchSize', options.batchSize, 1000, 1, 100_000);
    const age = (name: 'outboxMs' | 'inboxMs', fallback: number): number =>
      options[name] === Infinity ? Infinity : integerOption('Retention', name, options[name], fallback, 0);
    const ages = {
      outbox: age('outboxMs', DEFAULT_OUTBOX_MS),
      inbox: age('inboxMs', DEFAULT_INBOX_MS),
    };
    this.#inboxMs = ages.inbox;
    this.#redeliverySpanMs = options.redeliverySpanMs;
    this.#onShortMemory = choiceOption('Retention', 'onShortMemory', options.onShortMemory ?? 'refuse', [
      'refuse',
      'warn',
    ]);
    this.#database = database;
    this.#yield = yieldSql(tables);
    this.#everyMs = everyMs;
    this.#onRun = options.onRun ?? ((): void => {});
    this.#onError = (error): void => {
      try {
        options.onError?.(error);
      } catch {
        // Nobody is left to tell.
      }
    };
    this.#sweeps = (['outbox', 'inbox'] as const)
      .filter((box) => ages[box] !== Infinity)
      .map((box) => {
        const leaseMs = 60_000 + 2 * everyMs;
        const owner = this.#owner;
        return new Sweep({ database, tables, box, owner, ageMs: ages[box], leaseMs, batchSize });
      });
  }

  /**
   * Begins with a run within `everyMs`, so that processes that start together do not do so in step.
   * @throws OutboxError `memory-too-short` when the inbox would forget what the broker can still deliver again, and
   *   whatever `redeliverySpanMs` threw; nothing is dropped then.
   */
  async start(): Promise<void> {
    await this.#checkMemory();
    if (this.#stop.signal.aborted) return;
    this.#running ??= this.#run();
  }

  /** Ends after the statement under way, in bounded time. */
  async close(): Promise<void> {
    this.#stop.abort();
    if (this.#running === undefined) return;
    await this.#running;
    try {
      await withDeadline(this.#database.query(this.#yield, [this.#owner]), 5000, 'yield');
    } catch (error) {
      this.#onError(error);
    }
  }

  async #checkMemory(): Promise<void> {
    if (this.#inboxMs === Infinity || this.#redeliverySpanMs === undefined) return;
    const spanMs = await this.#redeliverySpanMs();
    if (this.#inboxMs >= spanMs) return;
    const error = new OutboxError(
      'memory-too-short',
      `Retention: inboxMs is ${this.#inboxMs}, and the broker may deliver a message again for ${spanMs} ms: one that was forgotten takes effect twice; allowed is at least ${spanMs}`,
    );
    if (this.#onShortMemory === 'refuse') throw error;
    this.#onError(error);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    await pause(Math.random() * this.#everyMs, signal);
    while (!signal.aborted) {
      for (const sweep of this.#sweeps) {
        try {
          const run = await sweep.run(signal);
          if (run === undefined) continue;
          tell(channels.retention, () => run);
          this.#onRun(run);
        } catch (error) {
          this.#onError(error);
        }
      }
      await pause(this.#everyMs, signal);
    }
  }
}
