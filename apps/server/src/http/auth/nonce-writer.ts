import type { Queryable } from '../../database/index.ts';
import { spendNonces } from './nonces.sql.ts';

const maxBatch = 256;
const maxWaiting = 10_000;

interface Waiting {
  readonly appKey: string;
  readonly nonce: string;
  readonly resolve: (isNew: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** More requests wait for their nonces than can be served. Nothing was done. */
export class NoncesBusyError extends Error {
  override readonly name = 'NoncesBusyError';
  readonly code = 'nonces-busy';
  readonly retryable = true;
}

/**
 * Writes nonces: those that come while a write is under way go together in the next, since a commit of many costs
 * little more than a commit of one. A nonce that comes alone goes at once.
 */
export class NonceWriter {
  readonly #database: Queryable;
  readonly #keptSeconds: number;
  readonly #waiting: Waiting[] = [];
  #isWriting = false;

  constructor(database: Queryable, keptSeconds: number) {
    this.#database = database;
    this.#keptSeconds = keptSeconds;
  }

  /** @returns whether it was new: of several at once with the same nonce exactly one is */
  async spend(appKey: string, nonce: string): Promise<boolean> {
    if (this.#waiting.length >= maxWaiting) throw new NoncesBusyError(`${maxWaiting} requests wait already`);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ appKey, nonce, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) await this.#write(this.#waiting.splice(0, maxBatch));
    this.#isWriting = false;
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    // The first of a pair counts; a second one of the same batch is a replay like any other.
    const firsts = new Map<string, Waiting>();
    for (const waiting of batch) {
      const key = pairKey(waiting.appKey, waiting.nonce);
      if (!firsts.has(key)) firsts.set(key, waiting);
    }
    const pairs = [...firsts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, waiting]) => waiting);
    try {
      const { rows } = await this.#database.query<{ app_key: string; nonce: string }>(spendNonces, [
        pairs.map(({ appKey }) => appKey),
        pairs.map(({ nonce }) => nonce),
        this.#keptSeconds,
      ]);
      const written = new Set(rows.map(({ app_key, nonce }) => pairKey(app_key, nonce)));
      for (const waiting of batch) {
        const key = pairKey(waiting.appKey, waiting.nonce);
        waiting.resolve(written.has(key) && firsts.get(key) === waiting);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

/** A header holds no line feed. */
function pairKey(appKey: string, nonce: string): string {
  return `${appKey}\n${nonce}`;
}
