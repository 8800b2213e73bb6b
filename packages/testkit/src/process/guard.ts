import { spawn } from 'node:child_process';

/**
 * Sees to it that process `pid` dies with this one, even when this one is killed with SIGKILL:
 * a shell reads from a pipe that only we hold open, and kills `pid` when it closes.
 * On Windows there is no such shell: there the child is only ended by an orderly exit.
 *
 * @returns lets go of `pid`; call it as soon as the process has ended, before its number can be given away
 */
export function guardAgainstOrphan(pid: number): () => void {
  if (process.platform === 'win32') return () => undefined;
  // A process group of its own: Ctrl-C on the terminal must not end the guard before its work.
  const guard = spawn('/bin/sh', ['-c', 'cat >/dev/null; kill -9 "$1" 2>/dev/null', 'guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  // The pipe must not keep the event loop alive either.
  (guard.stdin as unknown as { unref?: () => void }).unref?.();
  return () => {
    guard.kill('SIGKILL');
    guard.stdin.destroy();
  };
}
