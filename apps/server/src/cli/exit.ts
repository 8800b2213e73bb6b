import { describeError } from '../log/index.ts';

/** The exit codes of every command. */
export const exitCodes = { good: 0, fault: 1, wrongCall: 2, interrupted: 130 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A call that cannot be carried out as it was given. */
export class WrongCallError extends Error {
  override readonly name = 'WrongCallError';
}

/** Names of errors that say the caller must change something before trying again. */
const wrongCalls: ReadonlySet<string> = new Set(['WrongCallError', 'ConfigError', 'ReadOnlyError']);

/** Errors whose message is written for the person at the terminal: what lies beneath would only blur it. */
const explained: ReadonlySet<string> = new Set([
  ...wrongCalls,
  'NacosError',
  'ListenError',
  'NoDatabaseError',
  'DatabaseAwayError',
  'NotMigratedError',
  'PostgresError',
  'EmbeddedError',
]);

/** Writes what went wrong to stderr; the stack only where `DT_DEBUG` asks for it. */
export function reportFailure(error: unknown): ExitCode {
  const isExplained = error instanceof Error && explained.has(error.name);
  process.stderr.write(`dt: ${isExplained ? error.message : describeError(error)}\n`);
  if (process.env['DT_DEBUG'] !== undefined && error instanceof Error)
    process.stderr.write(`${error.stack}\n`);
  return error instanceof Error && wrongCalls.has(error.name) ? exitCodes.wrongCall : exitCodes.fault;
}
