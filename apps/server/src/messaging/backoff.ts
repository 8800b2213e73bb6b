import { setTimeout as sleep } from 'node:timers/promises';

export interface BackoffOptions {
  /** @default 500 */
  firstMs?: number;
  /** @default 15_000 */
  maxMs?: number;
  signal: AbortSignal;
  onFailure: (error: unknown, retryInMs: number) => void;
}

/**
 * Tries until it works or the signal says stop, with growing pauses and jitter (so that instances that lost the
 * same broker do not come back in step).
 *
 * @returns what the work returned, or undefined when it was stopped
 */
export async function untilItWorks<T>(
  work: () => Promise<T>,
  options: BackoffOptions,
): Promise<T | undefined> {
  const { firstMs = 500, maxMs = 15_000, signal, onFailure } = options;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) return undefined;
      const pauseMs = Math.round(Math.min(maxMs, firstMs * 2 ** attempt) * (0.75 + Math.random() / 4));
      onFailure(error, pauseMs);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}
