import { readBacklog, type Backlog, type Database } from '@dt/outbox';

/** What is not older than this is told again. */
const freshMs = 5000;
/** A look that took long is not taken again before so many times its own time has passed. */
const restFactor = 20;

/** Looks at what waits when somebody asks, but seldom: metrics and health of an instance share a look. */
export class BacklogWatch {
  readonly #database: Database;
  readonly #onError: (error: unknown) => void;
  #looking: Promise<Backlog> | undefined;
  #last: { readonly backlog: Backlog; readonly untilMs: number } | undefined;

  /** @param onError told once a look that failed, however many wait for it */
  constructor(database: Database, onError: (error: unknown) => void) {
    this.#database = database;
    this.#onError = onError;
  }

  /** Rejects when the database does; the next call asks again. */
  read(): Promise<Backlog> {
    if (this.#last !== undefined && performance.now() < this.#last.untilMs) {
      return Promise.resolve(this.#last.backlog);
    }
    this.#looking ??= this.#look()
      .catch((error: unknown) => {
        this.#onError(error);
        throw error;
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #look(): Promise<Backlog> {
    const startedMs = performance.now();
    const backlog = await readBacklog(this.#database);
    const nowMs = performance.now();
    this.#last = { backlog, untilMs: nowMs + Math.max(freshMs, (nowMs - startedMs) * restFactor) };
    return backlog;
  }
}
