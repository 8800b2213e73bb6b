import { backoffMs, type BackoffOptions } from '../backoff.ts';

/** Up to so many sharding keys that all fail are written to their rows, when the publisher told each one's outcome. */
const SMALL_BATCH = 64;
/** Calls in a row that threw and count as an outage when it is over. */
const OUTAGE_FAILURES = 4;
/** Longest pause after outcomes that were told: the publisher works, and others' messages may get through. */
const MAX_TOLD_PAUSE_MS = 250;

/**
 * Tells an outage of the publisher from a message's own fault. A failure of a whole batch is no message's fault: no row
 * is written, the relay pauses and comes back with a smaller batch, down to one whose failures are few enough to be
 * written to their rows. So an outage costs a few writes however many rows wait, and a message that makes every batch
 * around it fail is found and set apart.
 */
export class Breaker {
  readonly #backoff: BackoffOptions;
  readonly #fullBatch: number;
  #failures = 0;
  #thrown = 0;
  #untilMs = 0;
  #batch: number;

  constructor(fullBatch: number, backoff: BackoffOptions) {
    this.#fullBatch = fullBatch;
    this.#batch = fullBatch;
    this.#backoff = backoff;
  }

  /** Whether the last batch failed as a whole: one probe at a time then. */
  get open(): boolean {
    return this.#failures > 0;
  }

  /** Nothing is published before this time of the monotonic clock. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /** Most messages of the next batch. */
  get batch(): number {
    return this.#batch;
  }

  /**
   * Whether the failure of so many keys, all there were, is to be written to their rows. A call that threw says nothing
   * of its messages unless it had but one key.
   */
  isSmall(keys: number, thrown: boolean): boolean {
    return keys <= (thrown ? 1 : SMALL_BATCH);
  }

  failed(nowMs: number, batchSize: number, thrown: boolean): void {
    this.#failures += 1;
    if (thrown) this.#thrown += 1;
    const maxMs = thrown ? this.#backoff.maxMs : Math.min(this.#backoff.maxMs, MAX_TOLD_PAUSE_MS);
    this.#untilMs =
      nowMs + backoffMs({ initialMs: Math.min(this.#backoff.initialMs, maxMs), maxMs }, this.#failures);
    const least = Math.min(this.#fullBatch, thrown ? 1 : SMALL_BATCH);
    this.#batch = Math.max(least, Math.floor(Math.min(this.#batch, batchSize) / 4));
  }

  /** Returns whether this is the end of an outage: of calls that threw, not of messages that failed for themselves. */
  succeeded(): boolean {
    const recovered = this.#thrown >= OUTAGE_FAILURES;
    this.#failures = 0;
    this.#thrown = 0;
    this.#untilMs = 0;
    this.#batch = Math.min(this.#fullBatch, this.#batch * 4);
    return recovered;
  }
}
