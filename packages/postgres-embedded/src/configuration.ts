import crypto from 'node:crypto';
import path from 'node:path';
import type { Layout } from './layout.ts';
import type { Settings } from './options.ts';

/** Defaults for a small machine that has other work to do. Durability is PostgreSQL's own: fsync is on. */
const DEFAULT_PARAMETERS: Readonly<Record<string, string>> = {
  max_connections: '100',
  shared_buffers: '128MB',
  // The log of changes is kept for this much at most in normal times.
  max_wal_size: '512MB',
  // Compiling a query pays for analytics, not for short transactions.
  jit: 'off',
  // No replicas: saves one process.
  max_logical_replication_workers: '0',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
};

export interface Listen {
  transport: 'unix' | 'tcp';
  /** As PostgreSQL is told; `.` is the cluster folder itself. */
  socketDir: string;
  port: number;
}

/** The whole postgresql.conf. It is written at every start, so the parameters of the call are the truth. */
export function postgresqlConf(settings: Settings, listen: Listen, layout: Layout): string {
  const values = {
    ...DEFAULT_PARAMETERS,
    ...settings.parameters,
    cluster_name: clusterName(layout),
    port: String(listen.port),
    listen_addresses: listen.transport === 'tcp' ? '127.0.0.1' : '',
    unix_socket_directories: listen.transport === 'unix' ? listen.socketDir : '',
    ...(listen.transport === 'unix' && { unix_socket_permissions: '0700' }),
  };
  return [
    '# Written at every start: changes here are lost. Use the parameters of the start, or ALTER SYSTEM.',
    ...Object.entries(values).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`),
    '',
  ].join('\n');
}

/** The socket lies in a folder that only one user can enter: whoever connects there has been checked already. */
export function pgHbaConf(listen: Listen): string {
  return listen.transport === 'unix'
    ? '# Written at every start.\nlocal all all trust\n'
    : '# Written at every start.\nhost all all 127.0.0.1/32 scram-sha-256\n';
}

/** What the titles of the server's processes begin with, so that everybody can tell whose they are. */
export function processTitle(layout: Layout): string {
  return `postgres: ${clusterName(layout)}: `;
}

function clusterName({ dataDir, cluster }: Layout): string {
  const readable = path
    .basename(dataDir)
    .replaceAll(/[^A-Za-z0-9_.-]/g, '')
    .slice(0, 30);
  return `${readable}-${crypto.createHash('sha256').update(cluster).digest('hex').slice(0, 12)}`;
}
