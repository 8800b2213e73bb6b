import path from 'node:path';
import { PostgresError } from './errors.ts';

export interface PostgresLogger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

export interface PostgresOptions {
  /** Folder that holds everything of this server: the cluster, its log, who uses it. Created when missing. */
  dataDir: string;
  /** Database that must exist when the start is over. @default 'dt' */
  database?: string;
  /** Superuser of the cluster, fixed when the cluster is made. @default 'postgres' */
  user?: string;
  /**
   * `unix`: a socket in a folder that only this user may enter; no TCP port is open.
   * `tcp`: 127.0.0.1 with a random password (SCRAM). @default 'unix', on Windows 'tcp'
   */
  transport?: 'unix' | 'tcp';
  /** TCP port, or the number in the socket's file name. @default 5432 for `unix`, a free port for `tcp` */
  port?: number;
  /** Server settings, over the defaults of this package (see the README). */
  parameters?: Record<string, string>;
  /**
   * When this process runs as root: the account that PostgreSQL runs as.
   * @default the owner of the cluster, else of the data folder, else the system's `postgres`, else `nobody`
   */
  runAs?: { uid: number; gid: number };
  /**
   * Where a readable copy of the binaries may be put when they cannot be used where npm has installed them.
   * @default the user's cache folder; for root /var/cache, else the temp folder
   */
  cacheDir?: string;
  /**
   * Stop the server when this process and all others that use it are gone, however they ended (kill -9 too).
   * Without it the server stays until the next start. @default true
   */
  stopWhenOrphaned?: boolean;
  /** Limit for the whole start, crash recovery included. @default 60000 */
  startTimeoutMs?: number;
  /** How long a fast shutdown may take before the server is stopped without a checkpoint. @default 10000 */
  stopTimeoutMs?: number;
  /** Aborting it ends a start that is under way. */
  signal?: AbortSignal;
  /** @default silent */
  logger?: PostgresLogger;
}

type Optional = 'runAs' | 'cacheDir' | 'signal' | 'port';
export type Settings = Readonly<Required<Omit<PostgresOptions, Optional>> & Pick<PostgresOptions, Optional>>;

/** Settings that this package decides itself: another value would cut the connection it hands out. */
const RESERVED_PARAMETERS = new Set([
  'cluster_name',
  'config_file',
  'data_directory',
  'external_pid_file',
  'hba_file',
  'ident_file',
  'listen_addresses',
  'logging_collector',
  'log_destination',
  'port',
  'unix_socket_directories',
  'unix_socket_permissions',
]);

const silent: PostgresLogger = { debug() {}, info() {}, warn() {} };

export function resolveOptions(options: PostgresOptions): Settings {
  const {
    dataDir,
    database = 'dt',
    user = 'postgres',
    transport = process.platform === 'win32' ? 'tcp' : 'unix',
    parameters = {},
    stopWhenOrphaned = true,
    startTimeoutMs = 60_000,
    stopTimeoutMs = 10_000,
    logger = silent,
    ...rest
  } = options;
  if (typeof dataDir !== 'string' || dataDir === '' || dataDir.includes('\0')) {
    throw invalid('dataDir', dataDir, 'the path of a folder');
  }
  identifier('database', database);
  // The driver leaves these as escapes when it takes a connection string apart.
  if (/[;/?:@&=+$,#]/.test(database))
    throw invalid('database', database, 'a name without ; / ? : @ & = + $ , #');
  identifier('user', user);
  if (user.startsWith('pg_')) throw invalid('user', user, 'a name that does not start with pg_');
  if (transport !== 'unix' && transport !== 'tcp') throw invalid('transport', transport, "'unix' or 'tcp'");
  if (transport === 'unix' && process.platform === 'win32')
    throw invalid('transport', transport, "'tcp' on Windows");
  if (rest.port !== undefined) integer('port', rest.port, 1, 65_535);
  integer('startTimeoutMs', startTimeoutMs, 1, 86_400_000);
  integer('stopTimeoutMs', stopTimeoutMs, 1, 86_400_000);
  if (rest.runAs) {
    integer('runAs.uid', rest.runAs.uid, 1, 0xffff_fffe);
    integer('runAs.gid', rest.runAs.gid, 0, 0xffff_fffe);
  }
  for (const [name, value] of Object.entries(parameters)) {
    if (!/^[a-z_][a-z0-9_.]*$/i.test(name)) throw invalid('parameters', name, 'names of PostgreSQL settings');
    if (RESERVED_PARAMETERS.has(name.toLowerCase())) {
      throw invalid(
        `parameters.${name}`,
        value,
        'nothing: it is set by this package (see transport, port and dataDir)',
      );
    }
    if (typeof value !== 'string' || /[\0\r\n]/.test(value))
      throw invalid(`parameters.${name}`, value, 'one line of text');
  }
  return {
    ...rest,
    dataDir: path.resolve(dataDir),
    database,
    user,
    transport,
    parameters: { ...parameters },
    stopWhenOrphaned,
    startTimeoutMs,
    stopTimeoutMs,
    logger,
  };
}

function identifier(field: string, value: unknown): void {
  if (typeof value !== 'string' || value === '' || Buffer.byteLength(value) > 63 || value.includes('\0')) {
    throw invalid(field, value, '1 to 63 bytes of text');
  }
}

function integer(field: string, value: unknown, least: number, most: number): void {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw invalid(field, value, `a whole number from ${least} to ${most}`);
  }
}

function invalid(field: string, value: unknown, allowed: string): PostgresError {
  return new PostgresError(
    'option-invalid',
    `${field}: ${JSON.stringify(value)} is not allowed; allowed is ${allowed}`,
  );
}
