/** What went wrong; fixed strings, safe to switch on. */
export type EmbeddedErrorCode =
  /** An option has a value that is not allowed. */
  | 'option-invalid'
  /** Another live process has the data folder open. */
  | 'data-dir-locked'
  /** The data folder cannot be created, read or written. */
  | 'data-dir-unusable'
  /** A port is taken by another program. */
  | 'port-in-use'
  /** A file does not hold its checksum, outside the part a crash may tear, and `onDamage` is 'refuse'. */
  | 'store-corrupt'
  /** A write to the log failed; the store takes no more messages until it is opened again. */
  | 'store-failed'
  /** Too many bytes wait for the disk. */
  | 'store-busy'
  /** The disk is full. */
  | 'store-full'
  /** A message breaks a limit of the store. */
  | 'message-illegal'
  /** Used after close(). */
  | 'closed';

/** Base of every error this package throws itself. */
export class EmbeddedError extends Error {
  override readonly name: string = 'EmbeddedError';
  readonly code: EmbeddedErrorCode;
  /** Whether the same call may work later without a change. */
  readonly retryable: boolean;

  constructor(
    code: EmbeddedErrorCode,
    message: string,
    options: { retryable?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The `code` of a system error (`ENOENT`, `EADDRINUSE`, ...), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
