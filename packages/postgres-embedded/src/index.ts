export type { PostgresConnection } from './connection.ts';
export { PostgresError, type PostgresErrorCode } from './errors.ts';
export type { PostgresLogger, PostgresOptions } from './options.ts';
export type { PostgresServer } from './server.ts';
export { startPostgres } from './start.ts';
