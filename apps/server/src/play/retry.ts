import { setTimeout as pause } from 'node:timers/promises';
import { CallError } from './call-error.ts';

export interface RetryOptions {
  /**
   * How long one call is made again after `transport` and `fault` failures: long enough for a server to
   * restart. 0 gives up at once.
   * @default 0
   */
  readonly forMs?: number;
  /** The same for `busy`, which any server may answer in good health. @default 10000 */
  readonly busyForMs?: number;
  /** Told of each failure that will be tried again. */
  readonly onRetry?: (error: CallError, attempt: number) => void;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** Makes a call again until it succeeds, is refused, or its time is over; then throws the last failure. */
export async function withRetry<T>(
  call: () => Promise<T>,
  options: RetryOptions,
  signal?: AbortSignal,
): Promise<T> {
  const started = performance.now();
  const forMs = options.forMs ?? 0;
  const busyForMs = Math.max(forMs, options.busyForMs ?? 10_000);
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CallError) || !error.retryable) throw error;
      const allowedMs = error.failure === 'busy' ? busyForMs : forMs;
      // Jitter, so that many callers do not come back to a restarted server in one wave.
      const backoffMs =
        Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
      const pauseMs = error.retryAfterMs ?? backoffMs;
      if (performance.now() - started + pauseMs > allowedMs) throw error;
      options.onRetry?.(error, attempt);
      await pause(pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  }
}
