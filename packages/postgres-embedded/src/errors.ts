/** Everything that can go wrong, by name. `retryable` says whether the same call may succeed later unchanged. */
export type PostgresErrorCode =
  | 'option-invalid'
  | 'platform-unsupported'
  | 'user-drop-failed'
  | 'data-dir-not-writable'
  | 'data-dir-not-empty'
  | 'data-dir-version'
  | 'data-dir-locked'
  | 'disk-full'
  | 'port-in-use'
  | 'initdb-failed'
  | 'start-failed'
  | 'start-timeout'
  | 'stop-failed'
  | 'aborted';

const RETRYABLE: ReadonlySet<PostgresErrorCode> = new Set([
  'data-dir-locked',
  'disk-full',
  'port-in-use',
  'start-timeout',
]);

export class PostgresError extends Error {
  override readonly name = 'PostgresError';
  readonly code: PostgresErrorCode;
  readonly retryable: boolean;

  constructor(code: PostgresErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
    this.retryable = RETRYABLE.has(code);
  }
}

/** The `code` of a system error (`ENOENT`, `EACCES`, ...), if it is one. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
