import fs from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseAccount } from './account.ts';
import { findBinaries } from './binaries.ts';
import { ensureDatabase, type PostgresConnection } from './connection.ts';
import { checkCluster, fileTrouble, openDataDir } from './data-dir.ts';
import { PostgresError } from './errors.ts';
import { createCluster, removeUnfinished } from './initdb.ts';
import { isReady, launch, type StartContext } from './launch.ts';
import { layoutOf } from './layout.ts';
import { resolveOptions, type PostgresOptions } from './options.ts';
import { clearAfterCrash, findPostmaster, stopPostmaster } from './postmaster.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { createHandle, type PostgresServer } from './server.ts';
import { readServerRecord, type ServerRecord } from './server-file.ts';
import { sweepLockWaiters, takeStartLock } from './start-lock.ts';
import { enterUser, otherUsers, type UserEntry } from './users.ts';

const RETRY_MS = 100;
const FREE_PORT_ATTEMPTS = 3;

/**
 * Starts PostgreSQL on a data folder, or joins the one that another process has started there. A server that was left
 * behind by a killed process is stopped first. Resolves when the server has taken a login and the database exists.
 *
 * @throws {PostgresError} see its codes; the message names the way out and quotes the server's log
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const settings = resolveOptions(options);
  const layout = layoutOf(settings.dataDir);
  const deadline = Date.now() + settings.startTimeoutMs;
  try {
    settings.signal?.throwIfAborted();
    await openDataDir(layout);
    const account = await chooseAccount(layout, settings);
    const binaries = await findBinaries(settings, account);
    const release = await takeStartLock(layout.startLock, deadline, settings.signal);
    if (!release) {
      throw new PostgresError(
        'data-dir-locked',
        `Another process has been starting PostgreSQL in ${layout.dataDir} for ${settings.startTimeoutMs} ms`,
      );
    }
    try {
      return await startAlone({ settings, layout, account, binaries, deadline });
    } finally {
      await release();
    }
  } catch (error) {
    if (error instanceof PostgresError) throw error;
    if (settings.signal?.aborted) {
      throw new PostgresError('aborted', `The start of PostgreSQL in ${layout.dataDir} was aborted`, {
        cause: error,
      });
    }
    throw fileTrouble(layout.dataDir, error);
  }
}

/** With the start lock held: nobody else begins to use this folder meanwhile, but users may leave or die. */
async function startAlone(context: StartContext): Promise<PostgresServer> {
  const { settings, layout, account, binaries, deadline } = context;
  await removeUnfinished(layout, settings.logger);
  await sweepLockWaiters(layout.startLock);
  const user = await enterUser(layout);
  try {
    if (!(await checkCluster(layout, binaries.major, account))) {
      await createCluster(layout, binaries, settings, account, Math.max(1, deadline - Date.now()));
    }
    const joined = await joinOrStop(context, user);
    const record = joined ?? (await launchPatiently(context));
    try {
      const connection = await connectionTo(context, record);
      await logIn(context, connection);
      return createHandle(context, user, record, connection, joined !== undefined);
    } catch (error) {
      if (!joined) await stopPostmaster(record.postmaster, layout, binaries, settings.stopTimeoutMs);
      throw error;
    }
  } catch (error) {
    await user.remove();
    throw error;
  }
}

/**
 * A server that runs already is joined when somebody uses it. One that nobody uses was left behind, or is on its way
 * out: it is waited for, so that never two are there.
 */
async function joinOrStop(context: StartContext, user: UserEntry): Promise<ServerRecord | undefined> {
  const { settings, layout, binaries, deadline } = context;
  for (;;) {
    settings.signal?.throwIfAborted();
    const postmaster = await findPostmaster(layout);
    if (!postmaster) return undefined;
    const record = await readServerRecord(layout);
    const { running } = await otherUsers(layout, user.name);
    if (running === 0 || !record || !isSame(record.postmaster, postmaster) || Date.now() >= deadline) {
      settings.logger.info('postgres: stopping a server that was left behind', { pid: postmaster.pid });
      await stopPostmaster(postmaster, layout, binaries, settings.stopTimeoutMs);
      continue;
    }
    if (await isReady(postmaster, layout)) return record;
    await sleep(RETRY_MS, undefined, { signal: settings.signal });
  }
}

function isSame(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.pid === other.pid && one.startedAt === other.startedAt;
}

/** Two obstacles go away by themselves: backends that are still ending after a crash, and a free port taken meanwhile. */
async function launchPatiently(context: StartContext): Promise<ServerRecord> {
  const { settings, deadline } = context;
  for (let attempt = 1; ; attempt += 1) {
    await clearAfterCrash(context.layout);
    try {
      return await launch(context);
    } catch (error) {
      if (!(error instanceof PostgresError) || Date.now() + RETRY_MS >= deadline) throw error;
      const ending = error.code === 'data-dir-locked';
      const portTaken =
        error.code === 'port-in-use' && settings.port === undefined && attempt < FREE_PORT_ATTEMPTS;
      if (!ending && !portTaken) throw error;
    }
    await sleep(RETRY_MS, undefined, { signal: settings.signal });
  }
}

async function connectionTo(
  { settings, layout }: StartContext,
  record: ServerRecord,
): Promise<PostgresConnection> {
  const { host, port } = record;
  const connection = { host, port, user: settings.user, database: settings.database };
  if (record.transport === 'unix') return connection;
  const password = (await fs.readFile(layout.password, 'utf8')).trim();
  return { ...connection, password };
}

async function logIn({ settings, deadline }: StartContext, connection: PostgresConnection): Promise<void> {
  try {
    await ensureDatabase(connection, Math.max(1000, deadline - Date.now()));
  } catch (cause) {
    throw new PostgresError(
      'start-failed',
      `PostgreSQL runs, but ${settings.user} cannot log in and make sure of the database ${settings.database}: ` +
        (cause instanceof Error ? cause.message : String(cause)),
      { cause },
    );
  }
}
