/** A repeated duty. */
export interface Interval {
  /** Stops; resolves when a run under way has ended. */
  close(): Promise<void>;
}

/**
 * Runs `work` again and again, never two at a time, with `intervalMs` between the end of one run and the start
 * of the next. A run that fails is reported and does not end the series.
 */
export function every(
  intervalMs: number,
  work: () => Promise<unknown>,
  onError: (error: unknown) => void,
): Interval {
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const run = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!closed) onError(error);
    }
    if (!closed) timer = setTimeout(start, intervalMs);
  };
  const start = (): void => {
    running = run();
  };
  timer = setTimeout(start, intervalMs);
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      return running;
    },
  };
}
