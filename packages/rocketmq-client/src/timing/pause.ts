import { onAbort } from './on-abort.ts';

/** Resolves after `ms`, or at once when one of the signals fires. */
export function pause(ms: number, ...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve) => {
    if (ms <= 0 || signals.some((signal) => signal?.aborted === true)) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      for (const unlisten of unlisteners) unlisten();
      resolve();
    };
    const timer = setTimeout(done, ms);
    const unlisteners = signals.map((signal) => onAbort(signal, done));
  });
}

/**
 * Pause before try number `attempt` (2 is the first repetition): grows by two from `baseMs` to `maxMs`, with a
 * quarter of chance in it, so that many clients do not come back at the same moment.
 */
export function backoffMs(
  attempt: number,
  baseMs: number,
  maxMs: number,
  random: () => number = Math.random,
): number {
  const full = Math.min(maxMs, baseMs * 2 ** Math.max(0, attempt - 2));
  return Math.round(full * (0.75 + 0.25 * random()));
}

/** Waits for the promise, at most `ms`. Tells whether it ended in time; a failure counts as an end. */
export async function endsWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const ended = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}
