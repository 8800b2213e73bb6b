/** The exit codes of every command. */
export const exitCodes = { good: 0, fault: 1, wrongCall: 2, interrupted: 130 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A call that cannot be carried out as it was given. */
export class WrongCallError extends Error {
  override readonly name = 'WrongCallError';
}

/** What was asked for is not there, or not as it should be. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
}
