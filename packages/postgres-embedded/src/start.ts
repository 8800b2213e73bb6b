import { spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseAccount } from './account.ts';
import { toolEnvironment } from './command.ts';
import { pgHbaConf, postgresqlConf, type Listen } from './configuration.ts';
import { connectionStringOf, ensureDatabase, type PostgresConnection } from './connection.ts';
import { PostgresError } from './errors.ts';
import { createCluster, reachableName } from './initdb.ts';
import { layoutOf } from './layout.ts';
import { resolveOptions, type PostgresOptions } from './options.ts';
import { binariesIn, ensureLibraryLinks, locateNative } from './platform.ts';
import { readPostmasterPid } from './postmaster-pid.ts';

export interface PostgresServer {
  connectionString: string;
  connection: PostgresConnection;
  pid: number;
  attached: boolean;
  stop(): Promise<void>;
}

export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const settings = resolveOptions(options);
  const layout = layoutOf(settings.dataDir);
  const binaries = binariesIn(locateNative());
  await ensureLibraryLinks(binaries.native);
  await fs.mkdir(layout.dataDir, { recursive: true, mode: 0o700 });
  const account = await chooseAccount(layout.cluster, settings);
  const exists = await fs.stat(layout.cluster).catch(() => undefined);
  if (!exists) await createCluster(layout, binaries, settings, account, settings.startTimeoutMs);
  const listen: Listen = { transport: 'unix', socketDir: '.', port: settings.port ?? 5432 };
  await fs.writeFile(`${layout.cluster}/postgresql.conf`, postgresqlConf(settings, listen));
  await fs.writeFile(`${layout.cluster}/pg_hba.conf`, pgHbaConf(listen));
  const log = await fs.open(layout.log, 'a', 0o600);
  const child = spawn(binaries.postgres, ['-D', reachableName(layout.cluster, account)], {
    cwd: layout.cluster,
    env: toolEnvironment(),
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    ...account,
  });
  const exited = once(child, 'exit');
  await log.close();
  child.unref();
  const pid = child.pid ?? 0;
  const deadline = Date.now() + settings.startTimeoutMs;
  for (;;) {
    const state = await readPostmasterPid(layout.postmasterPid);
    if (state?.pid === pid && state.ready) break;
    if (child.exitCode !== null || Date.now() > deadline) {
      const text = await fs.readFile(layout.log, 'utf8');
      throw new PostgresError('start-failed', `PostgreSQL did not start: ${text.slice(-2000)}`);
    }
    await sleep(10);
  }
  const connection = {
    host: layout.cluster,
    port: listen.port,
    user: settings.user,
    database: settings.database,
  };
  await ensureDatabase(connection, settings.startTimeoutMs);
  return {
    connectionString: connectionStringOf(connection),
    connection,
    pid,
    attached: false,
    stop: async () => {
      child.ref();
      child.kill('SIGINT');
      await exited;
    },
  };
}
