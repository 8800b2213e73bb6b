import type { MessageQueue } from '@dt/rocketmq-protocol';

/**
 * The right to consume one queue. It ends when a renewal is refused, or by the clock here when none came through:
 * well before the broker would give it to somebody else. Once lost it stays lost.
 */
export class QueueLock {
  readonly queue: MessageQueue;
  /** Gives it back; failures are not thrown, the broker frees an abandoned lock by itself. */
  readonly release: () => Promise<void>;
  /** When it was taken or renewed last, milliseconds since 1970. */
  lockedAt = Date.now();
  readonly #lost = new AbortController();
  /** By the monotonic clock. */
  #validUntilMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(queue: MessageQueue, validUntilMs: number, release: (lock: QueueLock) => Promise<void>) {
    this.queue = queue;
    this.release = () => release(this);
    this.#validUntilMs = validUntilMs;
    this.#arm();
  }

  /** Fires when the lock is lost, not when it is given back. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Asks the clock, too: timers run late in a busy process. */
  isHeld(): boolean {
    if (performance.now() >= this.#validUntilMs) this.lose();
    return !this.#lost.signal.aborted;
  }

  extend(validUntilMs: number): void {
    if (!this.isHeld()) return;
    this.#validUntilMs = validUntilMs;
    this.lockedAt = Date.now();
    this.#arm();
  }

  lose(): void {
    this.disarm();
    this.#lost.abort();
  }

  /** Ends the watch of the clock. */
  disarm(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => (this.isHeld() ? this.#arm() : undefined),
      Math.max(1, Math.ceil(this.#validUntilMs - performance.now())),
    );
    this.#timer.unref();
  }
}
