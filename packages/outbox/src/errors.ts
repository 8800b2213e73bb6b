/** Every code; what each means stands in docs/reference/errors.md. */
export const OUTBOX_ERROR_CODES = [
  'invalid-option',
  'invalid-message',
  'migration-changed',
  'schema-missing',
  'lane-count',
  'publisher-contract',
  'timeout',
  'closed',
  'lane-lost',
  'handler-timeout',
  'transaction-over',
  'rolled-back',
  'not-found',
  'not-dead',
  'unreadable',
  'memory-too-short',
] as const;

export type OutboxErrorCode = (typeof OUTBOX_ERROR_CODES)[number];

/** Base class of everything this package throws on its own account. `retryable`: the same call may succeed later. */
export class OutboxError extends Error {
  readonly code: OutboxErrorCode;
  readonly retryable: boolean;

  constructor(
    code: OutboxErrorCode,
    message: string,
    options: { retryable?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'OutboxError';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** What stands in `last_error`: the message of the error, cut, and without the NUL that PostgreSQL cannot store. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replaceAll('\0', '').slice(0, 2000);
}
