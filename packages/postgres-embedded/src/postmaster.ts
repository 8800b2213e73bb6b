import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { runCommand } from './command.ts';
import { processTitle } from './configuration.ts';
import { PostgresError } from './errors.ts';
import { isPostgresProgram, killProgramsIn, signalProcess, waitGone, worksIn } from './folder-processes.ts';
import type { Layout } from './layout.ts';
import type { Binaries } from './platform.ts';
import { readPostmasterPid } from './postmaster-pid.ts';
import { existsProcess, identify, type ProcessIdentity } from './process-identity.ts';
import { readServerRecord } from './server-file.ts';

/** An immediate shutdown aborts everything; the kernel's own end takes no longer. */
const IMMEDIATE_MS = 3000;

/**
 * The server of this data folder, if it runs. A process that has got the number of a dead one is told apart by its name
 * and its working folder, or where the system hides that one by the time it began.
 */
export async function findPostmaster(layout: Layout): Promise<ProcessIdentity | undefined> {
  const file = await readPostmasterPid(layout.postmasterPid);
  if (!file) return undefined;
  const identity = await identify(file.pid);
  if (!identity || !(await mayBePostmaster(identity, layout))) return undefined;
  return identity;
}

async function mayBePostmaster(identity: ProcessIdentity, layout: Layout): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  if (!(await isPostgresProgram(identity.pid))) return false;
  const here = await worksIn(identity.pid, layout.cluster);
  if (here !== 'hidden') return here;
  const recorded = (await readServerRecord(layout))?.postmaster;
  return recorded?.pid !== identity.pid || recorded.startedAt === identity.startedAt;
}

/**
 * Clears the way after a crash, once {@link findPostmaster} has found nobody: backends that have outlived their
 * postmaster hold its shared memory, and a lock file whose number belongs to another process now would stop a start.
 * @throws {PostgresError} `data-dir-locked` when a server that cannot be seen (in another container) answers
 */
export async function clearAfterCrash(layout: Layout): Promise<void> {
  const file = await readPostmasterPid(layout.postmasterPid);
  if (!file) return;
  const socketDir = path.resolve(layout.cluster, file.socketDir);
  if (file.socketDir !== '' && (await answers(path.join(socketDir, `.s.PGSQL.${file.port}`)))) {
    throw new PostgresError(
      'data-dir-locked',
      `${layout.dataDir} is in use by a PostgreSQL that cannot be seen from here (in another container?). Stop it, ` +
        `or name another folder.`,
    );
  }
  await killProgramsIn(layout.cluster, processTitle(layout));
  if (!existsProcess(file.pid)) return;
  await fs.rm(layout.postmasterPid, { force: true });
  if (file.socketDir !== '') await fs.rm(path.join(socketDir, `.s.PGSQL.${file.port}.lock`), { force: true });
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(socket);
    probe.setTimeout(1000);
    const end = (result: boolean) => () => {
      probe.destroy();
      resolve(result);
    };
    // One that takes the connection and says nothing is there all the same.
    probe.on('connect', end(true)).on('timeout', end(true)).on('error', end(false));
  });
}

/**
 * Stops a server: fast (connections are cut, a checkpoint is written), then immediate (the next start recovers), then
 * by force. Acknowledged commits survive each of them.
 * @throws {PostgresError} `stop-failed` when it is there after all that
 */
export async function stopPostmaster(
  postmaster: ProcessIdentity,
  layout: Layout,
  binaries: Binaries,
  timeoutMs: number,
): Promise<void> {
  if (process.platform === 'win32') {
    for (const mode of ['fast', 'immediate']) {
      const command = ['stop', '-D', layout.cluster, '-m', mode, '-W', '-s'];
      await runCommand(binaries.pgCtl, command, { timeoutMs, output: 'ignore' }).catch(() => {});
      if (await waitGone(postmaster, mode === 'fast' ? timeoutMs : IMMEDIATE_MS)) return;
    }
  } else {
    signalProcess(postmaster.pid, 'SIGINT');
    if (await waitGone(postmaster, timeoutMs)) return;
    signalProcess(postmaster.pid, 'SIGQUIT');
    if (await waitGone(postmaster, IMMEDIATE_MS)) return;
  }
  signalProcess(postmaster.pid, 'SIGKILL');
  if (await waitGone(postmaster, IMMEDIATE_MS)) return;
  throw new PostgresError(
    'stop-failed',
    `PostgreSQL (pid ${postmaster.pid}) of ${layout.dataDir} cannot be stopped`,
  );
}
