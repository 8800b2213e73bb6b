export type { PostgresConnection } from './connection.ts';
export { PostgresError, type PostgresErrorCode } from './errors.ts';
export type { PostgresLogger, PostgresOptions } from './options.ts';
export { startPostgres, type PostgresServer } from './start.ts';
