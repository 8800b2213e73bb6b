import { createHash } from 'node:crypto';
import type { Queryable } from '../../database/index.ts';
import { NonceWriter } from './nonce-writer.ts';
import { findSpentNonce, purgeNonces } from './nonces.sql.ts';

/** A timestamp may be 300 s early and is good until it is 300 s late: after 600 s no nonce can come again. */
const keptSeconds = 600;
const maxLength = 64;

/**
 * Which nonces were used. Those of requests that were proven to come from a platform are in the database, good
 * for every instance. Those of refused requests are remembered by this instance alone, so that strangers cannot
 * fill the table.
 */
export class Nonces {
  readonly #database: Queryable;
  readonly #writer: NonceWriter;
  readonly #maxRefused: number;
  #refused = new Set<string>();
  #refusedBefore = new Set<string>();
  #turnedAtMs = performance.now();

  /** @param maxRefused nonces of refused requests to remember; up to twice as many are held */
  constructor(database: Queryable, maxRefused = 20_000) {
    this.#database = database;
    this.#writer = new NonceWriter(database, keptSeconds);
    this.#maxRefused = maxRefused;
  }

  /** Uses a nonce up, atomically across instances. @returns false when it was used before */
  async spend(appKey: string, nonce: string): Promise<boolean> {
    if (this.#wasRefused(appKey, nonce)) return false;
    return this.#writer.spend(appKey, storable(nonce));
  }

  /** Uses up the nonce of a request that is refused. @returns false when it was used before */
  async spendRefused(appKey: string, nonce: string, isKnownKey: boolean): Promise<boolean> {
    if (this.#wasRefused(appKey, nonce)) return false;
    if (isKnownKey) {
      const { rowCount } = await this.#database.query(findSpentNonce, [appKey, storable(nonce)]);
      if (rowCount !== 0) return false;
    }
    this.#remember(appKey, nonce);
    return true;
  }

  /** Removes what has expired, a bounded piece at a time. @returns how many rows */
  async purge(): Promise<number> {
    const { rowCount } = await this.#database.query(purgeNonces);
    return rowCount ?? 0;
  }

  #wasRefused(appKey: string, nonce: string): boolean {
    if (this.#refused.size + this.#refusedBefore.size === 0) return false;
    const key = memoryKey(appKey, nonce);
    return this.#refused.has(key) || this.#refusedBefore.has(key);
  }

  #remember(appKey: string, nonce: string): void {
    const nowMs = performance.now();
    if (this.#refused.size >= this.#maxRefused || nowMs - this.#turnedAtMs > keptSeconds * 1000) {
      this.#refusedBefore = this.#refused;
      this.#refused = new Set();
      this.#turnedAtMs = nowMs;
    }
    this.#refused.add(memoryKey(appKey, nonce));
  }
}

function memoryKey(appKey: string, nonce: string): string {
  return `${storable(appKey)}\n${storable(nonce)}`;
}

/** A nonce is any text, as long as headers may be; a long one is kept as its hash. */
function storable(text: string): string {
  return text.length <= maxLength ? text : createHash('sha256').update(text, 'latin1').digest('base64');
}
