import { spawn } from 'node:child_process';
import type fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './account.ts';
import { cannotDrop, type UsableBinaries } from './binaries.ts';
import { runCommand, toolEnvironment } from './command.ts';
import { pgHbaConf, postgresqlConf, type Listen } from './configuration.ts';
import { PostgresError, systemErrorCode } from './errors.ts';
import { writeWhole } from './files.ts';
import { reachableName } from './initdb.ts';
import type { Layout } from './layout.ts';
import { openLog, tailLog } from './log-file.ts';
import type { Settings } from './options.ts';
import { readPostmasterPid } from './postmaster-pid.ts';
import { stopPostmaster } from './postmaster.ts';
import { identify, livenessOf, type ProcessIdentity } from './process-identity.ts';
import { writeServerRecord, type ServerRecord } from './server-file.ts';
import { placeSocket } from './socket-place.ts';
import { startFailure } from './start-failure.ts';

const POLL_MS = 5;

/** Everything that a start needs to know; made once at its beginning. */
export interface StartContext {
  settings: Settings;
  layout: Layout;
  account: Account | undefined;
  binaries: UsableBinaries;
  /** In `Date.now()` milliseconds. */
  deadline: number;
}

/**
 * Starts the server and waits until it takes connections. When that fails, nothing is left running.
 * @throws {PostgresError} with the end of the server's log
 */
export async function launch(context: StartContext): Promise<ServerRecord> {
  const { settings, layout, account, deadline } = context;
  const { listen, host } = await chooseListen(context);
  await writeWhole(
    path.join(layout.cluster, 'postgresql.conf'),
    postgresqlConf(settings, listen, layout),
    account,
  );
  await writeWhole(path.join(layout.cluster, 'pg_hba.conf'), pgHbaConf(listen), account);

  const log = await openLog(layout);
  const logStart = (await log.stat()).size;
  let postmaster: ProcessIdentity | undefined;
  try {
    postmaster = await spawnPostmaster(context, log);
  } finally {
    await log.close();
  }
  const fail = async (): Promise<PostgresError> =>
    startFailure(await tailLog(layout.log, logStart), layout, listen);
  // Gone before it could be looked at.
  if (!postmaster) throw await fail();
  try {
    const record: ServerRecord = { postmaster, transport: settings.transport, host, port: listen.port };
    await writeServerRecord(layout, record);
    while (!(await isReady(postmaster, layout))) {
      if ((await livenessOf(postmaster)) !== 'running') throw await fail();
      if (Date.now() >= deadline) {
        throw new PostgresError(
          'start-timeout',
          `PostgreSQL in ${layout.dataDir} was not ready after ${settings.startTimeoutMs} ms (a long recovery? raise ` +
            `startTimeoutMs). The end of its log:\n${await tailLog(layout.log, logStart)}`,
        );
      }
      await sleep(POLL_MS, undefined, { signal: settings.signal });
    }
    return record;
  } catch (error) {
    await stopPostmaster(postmaster, layout, context.binaries, settings.stopTimeoutMs);
    throw error;
  }
}

/** Whether the server itself says so, in the last line of its lock file. */
export async function isReady(postmaster: ProcessIdentity, layout: Layout): Promise<boolean> {
  const file = await readPostmasterPid(layout.postmasterPid);
  return file?.pid === postmaster.pid && file.ready;
}

async function chooseListen({
  settings,
  layout,
  account,
}: StartContext): Promise<{ listen: Listen; host: string }> {
  if (settings.transport === 'tcp') {
    const port = settings.port ?? (await freePort());
    return { listen: { transport: 'tcp', socketDir: '', port }, host: '127.0.0.1' };
  }
  const port = settings.port ?? 5432;
  const { serverDir, clientDir } = await placeSocket(layout, port, account);
  return { listen: { transport: 'unix', socketDir: serverDir, port }, host: clientDir };
}

/** Free now; another program may take it before the server does, so a start on it is tried again. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address && typeof address === 'object') resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}

/**
 * In a session of its own: a Ctrl-C in the terminal is for the parent, who closes its connections first. It writes its
 * log itself and holds no pipe, so it survives its parent.
 */
async function spawnPostmaster(
  context: StartContext,
  log: fs.FileHandle,
): Promise<ProcessIdentity | undefined> {
  const { binaries, layout, account } = context;
  if (process.platform === 'win32') return pgCtlStart(context);
  const child = spawn(binaries.postgres, ['-D', reachableName(layout.cluster, account)], {
    cwd: layout.cluster,
    env: toolEnvironment(),
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    ...account,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      const dropFailed = account && ['EPERM', 'EINVAL'].includes(systemErrorCode(cause) ?? '');
      reject(dropFailed ? cannotDrop(account, cause) : cause);
    });
  });
  child.unref();
  return child.pid === undefined ? undefined : identify(child.pid);
}

/** On Windows pg_ctl gives up administrator's rights for the server, which would refuse them. */
async function pgCtlStart({
  binaries,
  layout,
  deadline,
}: StartContext): Promise<ProcessIdentity | undefined> {
  const command = ['start', '-D', layout.cluster, '-l', layout.log, '-W', '-s'];
  await runCommand(binaries.pgCtl, command, {
    timeoutMs: Math.max(1, deadline - Date.now()),
    output: 'ignore',
  });
  const until = Math.min(deadline, Date.now() + 10_000);
  for (;;) {
    const file = await readPostmasterPid(layout.postmasterPid);
    const postmaster = file && (await identify(file.pid));
    if (postmaster || Date.now() >= until) return postmaster;
    await sleep(POLL_MS);
  }
}
