import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import type { Layout } from './layout.ts';
import type { PostgresLogger } from './options.ts';
import type { Binaries } from './platform.ts';
import { existsProcess } from './process-identity.ts';

/**
 * Waits in a shell of its own until this process is gone, which the kernel tells by closing the pipe: kill -9 and
 * Ctrl-C too, so no signal handler is needed. Then stops the server, if no other process uses it (see users.ts).
 * The test for the others may be fooled by a number that was used again: then the server stays, and the next start deals with it.
 */
const SCRIPT = `
data=$1 self=$2
while read -r _; do :; done
read -r server < "$data/cluster/postmaster.pid" || exit 0
for entry in "$data"/users/*; do
  user=\${entry##*/}
  user=\${user%%-*}
  case $user in '*' | "$self") continue ;; esac
  kill -0 "$user" 2>/dev/null && exit 0
  [ -d "/proc/$user" ] && exit 0
done
kill -INT "$server"
`;

/** @returns how to dismiss it */
export function startKeeper(layout: Layout, binaries: Binaries, logger: PostgresLogger): () => void {
  if (process.platform === 'win32') return stopAtExit(layout, binaries);
  const keeper = spawn('/bin/sh', ['-c', SCRIPT, 'dt-postgres-keeper', layout.dataDir, String(process.pid)], {
    // Its own session: a Ctrl-C in the terminal is not for it.
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  keeper.on('error', (error) => {
    logger.warn('postgres: no keeper, a kill of this process leaves the server running', { error });
  });
  keeper.stdin.on('error', () => {});
  keeper.unref();
  // A stream by its type, a socket in fact; it must not hold the process.
  if (keeper.stdin instanceof net.Socket) keeper.stdin.unref();
  return () => {
    keeper.kill('SIGKILL');
    keeper.stdin.destroy();
  };
}

/** Windows has no such shell: an orderly end of the process is all that can be caught there. */
function stopAtExit(layout: Layout, binaries: Binaries): () => void {
  const onExit = (): void => {
    const users = fs.readdirSync(layout.users).map((name) => Number.parseInt(name, 10));
    if (users.some((pid) => pid !== process.pid && existsProcess(pid))) return;
    const command = ['stop', '-D', layout.cluster, '-m', 'fast', '-W', '-s'];
    spawn(binaries.pgCtl, command, { detached: true, stdio: 'ignore', windowsHide: true }).unref();
  };
  process.once('exit', onExit);
  return () => process.off('exit', onExit);
}
