import { onAbort } from './on-abort.ts';

/** The promise's result, or the signal's reason as a rejection when it fires first. */
export function withinSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const unlisten = onAbort(signal, () => reject(signal.reason as Error));
    promise.then(resolve, reject).finally(unlisten);
  });
}
