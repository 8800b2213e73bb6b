/**
 * Runs `task` every `intervalMs`, measured from the end of the last run, so runs never overlap. Returns the stop.
 * The timer does not hold the process. Failures go to `onError`.
 */
export function repeat(
  intervalMs: number,
  task: () => Promise<void>,
  onError: (error: unknown) => void,
): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    if (stopped) return;
    timer = setTimeout(run, intervalMs);
    timer.unref();
  };
  const run = (): void => {
    task().catch(onError).finally(arm);
  };
  arm();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
