/**
 * Fires with the first of several signals. `unlink` ends the connection: unlike with `AbortSignal.any`, a signal that
 * lives for long keeps nothing of one that was needed for a moment.
 */
export function linkedSignal(signals: readonly AbortSignal[]): { signal: AbortSignal; unlink: () => void } {
  const controller = new AbortController();
  const fire = (event?: Event): void => controller.abort((event?.target as AbortSignal | null)?.reason);
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', fire, { once: true });
  }
  return {
    signal: controller.signal,
    unlink: () => {
      for (const signal of signals) signal.removeEventListener('abort', fire);
    },
  };
}
