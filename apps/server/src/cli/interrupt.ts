import { exitCodes } from './exit.ts';

/**
 * Runs work that SIGINT or SIGTERM asks to stop; what it throws then is no fault. A second signal ends the process at
 * once: somebody is in a hurry.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await work(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.stderr.write('dt: interrupted\n');
    process.exitCode = exitCodes.interrupted;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
