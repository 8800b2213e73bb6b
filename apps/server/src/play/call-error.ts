/**
 * How a call failed. `transport`: no answer, so the outcome is unknown. `fault`: the server answered that it
 * could not (5xx). `busy`: it asks to come again (rate limit, the same request still under way). `refused`:
 * the rules say no. Every call of the game is idempotent, so all but `refused` may be made again as they were.
 */
export type CallFailure = 'transport' | 'fault' | 'busy' | 'refused';

export interface CallErrorOptions extends ErrorOptions {
  readonly failure: CallFailure;
  /** The code of the envelope; 0 when there was none. */
  readonly code?: number;
  /** 0 when there was no answer. */
  readonly httpStatus?: number;
  /** From `Retry-After`. */
  readonly retryAfterMs?: number;
  /** The envelope's `message`, or what came instead of one. */
  readonly reply?: string;
}

/** A call to the server that did not succeed. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly failure: CallFailure;
  readonly code: number;
  readonly httpStatus: number;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly reply: string;

  constructor(message: string, options: CallErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.failure = options.failure;
    this.code = options.code ?? 0;
    this.httpStatus = options.httpStatus ?? 0;
    this.retryable = options.failure !== 'refused';
    this.retryAfterMs = options.retryAfterMs;
    this.reply = options.reply ?? '';
  }
}

/** Whether the server refused a call by its rules with one of these codes. */
export function isRefusal(error: unknown, ...codes: number[]): error is CallError {
  return error instanceof CallError && error.failure === 'refused' && codes.includes(error.code);
}
