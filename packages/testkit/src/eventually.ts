import { setTimeout as pause } from 'node:timers/promises';
import { TestkitError } from './errors.ts';

export interface EventuallyOptions {
  /** How long to keep asking. @default 10000 */
  timeoutMs?: number;
  /** Pause between two questions. @default 20 */
  intervalMs?: number;
  /** What is waited for, for the error. @default 'the condition' */
  what?: string;
}

/**
 * Asks until `check` neither throws nor answers `false`, `null` or `undefined`, and gives its answer.
 * `expect` may be used inside: its last failure is the cause of the time-out error.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<T, false | null | undefined>> {
  const { timeoutMs = 10_000, intervalMs = 20, what = 'the condition' } = options;
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await check();
      if (answer !== false && answer !== null && answer !== undefined) {
        return answer as Exclude<T, false | null | undefined>;
      }
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) {
      const reason = lastError instanceof Error ? `: ${lastError.message}` : '';
      throw new TestkitError('timeout', `${what} did not come true within ${timeoutMs} ms${reason}`, {
        cause: lastError,
      });
    }
    await pause(intervalMs);
  }
}
