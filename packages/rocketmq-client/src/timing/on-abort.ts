const tasksOf = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Runs the task when the signal fires, or at once when it has fired. Returns what takes that back. All tasks of a signal
 * share one listener: with one each, thousands that wait at a time would cost a walk over all of them for each that comes
 * and goes, and Node would warn of a leak.
 */
export function onAbort(signal: AbortSignal | undefined, task: () => void): () => void {
  if (signal === undefined) return nothing;
  if (signal.aborted) {
    task();
    return nothing;
  }
  let tasks = tasksOf.get(signal);
  if (tasks === undefined) {
    tasks = new Set();
    tasksOf.set(signal, tasks);
    signal.addEventListener('abort', runAll, { once: true });
  }
  const all = tasks.add(task);
  return () => {
    if (!all.delete(task) || all.size > 0) return;
    tasksOf.delete(signal);
    signal.removeEventListener('abort', runAll);
  };
}

function nothing(): void {}

function runAll(this: AbortSignal): void {
  for (const task of tasksOf.get(this) ?? []) task();
}
