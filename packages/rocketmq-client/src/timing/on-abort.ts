/** Runs the task when the signal fires, or at once when it has fired. Returns what takes that back. */
export function onAbort(signal: AbortSignal, task: () => void): () => void {
  if (signal.aborted) task();
  else signal.addEventListener('abort', task, { once: true });
  return () => signal.removeEventListener('abort', task);
}
