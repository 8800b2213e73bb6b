import { type Queryable } from '../database/database.ts';
import { pause, withDeadline } from '../deadline.ts';
import { OutboxError } from '../errors.ts';
import { integerOption, requireMethod } from '../options.ts';
import { tablesOf } from '../schema/tables.ts';
import { wakeupChannel } from './channel.ts';

export interface NotifierOptions {
  readonly database: Queryable;
  /** @default 'public' */
  readonly schema?: string;
  /** Shortest time from one notification to the next, however many commits there are. @default 5 */
  readonly debounceMs?: number;
  /** A notification that failed: the relays find the rows by polling then. @default nothing */
  readonly onError?: (error: unknown) => void;
  /** Told along, so that a listener can pass by what it sent itself. @default '' */
  readonly sender?: string;
}

const QUERY_TIMEOUT_MS = 5000;

/**
 * Wakes the relays of other processes after commits. In a transaction of its own, for a NOTIFY within the business
 * transaction would have all of them commit one after the other. The first commit is told at once, those that follow
 * within `debounceMs` together. A process that runs a relay has no need of it: `Relay.kick()` tells the others, too.
 */
export class Notifier {
  readonly #database: Queryable;
  readonly #channel: string;
  readonly #sender: string;
  readonly #debounceMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #stop = new AbortController();
  #untold = false;
  #running: Promise<void> | undefined;

  constructor(options: NotifierOptions) {
    requireMethod('Notifier', 'database', options.database, 'query');
    this.#database = options.database;
    this.#channel = wakeupChannel(tablesOf(options.schema).schema);
    this.#sender = options.sender ?? '';
    this.#debounceMs = integerOption('Notifier', 'debounceMs', options.debounceMs, 5, 0, 60_000);
    this.#onError = (error): void => {
      try {
        options.onError?.(error);
      } catch {
        // Nobody is left to tell.
      }
    };
  }

  /** Says that a local transaction has committed messages. Never blocks, never throws, may be called often. */
  committed(): void {
    if (this.#stop.signal.aborted) return;
    this.#untold = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Tells what is still untold; in bounded time. */
  async close(): Promise<void> {
    this.#stop.abort(new OutboxError('closed', 'the notifier is closed'));
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#untold) {
      // Before the statement: a commit that comes while it runs may be too late for it.
      this.#untold = false;
      try {
        const told = this.#database.query('SELECT pg_notify($1, $2)', [this.#channel, this.#sender]);
        await withDeadline(told, QUERY_TIMEOUT_MS, 'notify');
      } catch (error) {
        this.#onError(error);
      }
      await pause(this.#debounceMs, this.#stop.signal);
    }
  }
}
