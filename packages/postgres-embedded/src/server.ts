import { connectionStringOf, type PostgresConnection } from './connection.ts';
import { startKeeper } from './keeper.ts';
import type { StartContext } from './launch.ts';
import { watchLog } from './log-file.ts';
import { findPostmaster, stopPostmaster } from './postmaster.ts';
import { livenessOf, type ProcessIdentity } from './process-identity.ts';
import type { ServerRecord } from './server-file.ts';
import { removeSocketPlace } from './socket-place.ts';
import { otherUsers, type UserEntry } from './users.ts';

export interface PostgresServer {
  /** For `pg`, psql and most other drivers. */
  readonly connectionString: string;
  /** The same in parts, as `pg` takes them. */
  readonly connection: PostgresConnection;
  /** Process id of the server. */
  readonly pid: number;
  /** True when another process had started it, and its port, transport and parameters count. */
  readonly attached: boolean;
  /** Resolves when the server is gone, whoever has ended it. Looked at once a second; does not hold the process. */
  readonly exited: Promise<void>;
  /**
   * Ends this use of the server; the last user stops it, whoever has started it. Connections that are still open are cut
   * then, and uncommitted work is rolled back. May be called again.
   * @throws {PostgresError} `stop-failed`
   */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const EXIT_CHECK_MS = 1000;

export function createHandle(
  context: StartContext,
  user: UserEntry,
  record: ServerRecord,
  connection: PostgresConnection,
  attached: boolean,
): PostgresServer {
  const { settings, layout, binaries } = context;
  const dismissKeeper = settings.stopWhenOrphaned ? startKeeper(layout, binaries, settings.logger) : () => {};
  const endWatch = watchLog(layout);
  const { pid } = record.postmaster;
  settings.logger.info(attached ? 'postgres: joined' : 'postgres: started', { pid, dataDir: layout.dataDir });

  let stopped: Promise<void> | undefined;
  const leave = async (): Promise<void> => {
    try {
      // In this order: see users.ts.
      await user.remove();
      if ((await otherUsers(layout, user.name)).running > 0) {
        settings.logger.debug('postgres: left to its other users', { pid });
        return;
      }
      // Not of necessity the one this handle began with: another user may have started it again after a crash.
      const postmaster = await findPostmaster(layout);
      if (postmaster) await stopPostmaster(postmaster, layout, binaries, settings.stopTimeoutMs);
      await removeSocketPlace(layout, record.host);
      settings.logger.info('postgres: stopped', { pid: postmaster?.pid ?? pid });
    } finally {
      endWatch();
      dismissKeeper();
    }
  };
  const stop = (): Promise<void> => (stopped ??= leave());
  return {
    connectionString: connectionStringOf(connection),
    connection,
    pid,
    attached,
    exited: goneOf(record.postmaster),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function goneOf(postmaster: ProcessIdentity): Promise<void> {
  return new Promise((resolve) => {
    const look = async (): Promise<void> => {
      if ((await livenessOf(postmaster)) !== 'running') resolve();
      else setTimeout(() => void look(), EXIT_CHECK_MS).unref();
    };
    setTimeout(() => void look(), EXIT_CHECK_MS).unref();
  });
}
