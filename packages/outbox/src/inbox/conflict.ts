import { pause } from '../deadline.ts';
import { backoffMs, type BackoffOptions } from '../backoff.ts';

const CONFLICT_TRIES = 4;
const CONFLICT_PAUSE: BackoffOptions = { initialMs: 10, maxMs: 200 };

/** A deadlock or a serialization failure is nobody's fault: the same again has a good chance. */
export function isConflict(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === '40P01' || code === '40001';
}

/** Does the work again after a conflict, a few times. */
export async function redoOnConflict<T>(work: (lastTry: boolean) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work(tries === CONFLICT_TRIES);
    } catch (error) {
      if (!isConflict(error) || tries === CONFLICT_TRIES) throw error;
      await pause(backoffMs(CONFLICT_PAUSE, tries));
    }
  }
}
