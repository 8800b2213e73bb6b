import { onAbort } from './on-abort.ts';

/** Lets tasks wait until something was reported. A report that nobody waits for is not kept. */
export class Gate {
  #waiting = new Set<() => void>();

  /** Wakes all who wait. */
  open(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Resolves at the next `open`, when the signal fires, or after `timeoutMs`. */
  wait(signal: AbortSignal, timeoutMs?: number): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      let timer: NodeJS.Timeout | undefined;
      const wake = (): void => {
        this.#waiting.delete(wake);
        clearTimeout(timer);
        unlisten();
        resolve();
      };
      this.#waiting.add(wake);
      const unlisten = onAbort(signal, wake);
      if (timeoutMs !== undefined) timer = setTimeout(wake, timeoutMs);
    });
  }
}
