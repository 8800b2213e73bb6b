import { backoffMs, type BackoffOptions } from '../backoff.ts';

/**
 * Tells an outage of the publisher from a message's own fault. A failure of a whole batch is no message's fault: no row
 * is written, the relay pauses and comes back with a smaller batch, down to a single message, whose failure then is
 * written to its row. So an outage costs a few writes however many rows wait, and a message that makes every batch
 * around it fail is found and set apart.
 */
export class Breaker {
  readonly #backoff: BackoffOptions;
  readonly #fullBatch: number;
  #failures = 0;
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

  /** Longest wait of a single message while this is open: recovery is not to be followed by long waits of a few. */
  get maxMs(): number {
    return this.#backoff.maxMs;
  }

  failed(nowMs: number, batchSize: number): void {
    this.#failures += 1;
    this.#untilMs = nowMs + backoffMs(this.#backoff, this.#failures);
    this.#batch = Math.max(1, Math.floor(Math.min(this.#batch, batchSize) / 4));
  }

  succeeded(): void {
    this.#failures = 0;
    this.#untilMs = 0;
    this.#batch = Math.min(this.#fullBatch, this.#batch * 4);
  }
}
