import { type RemotingCommand, ResponseCode, responseCodeName } from '@dt/rocketmq-protocol';

/** What went wrong; the README says what each means. */
export const ROCKETMQ_ERROR_CODES = [
  'options-invalid',
  'message-invalid',
  'not-started',
  'closed',
  'aborted',
  'timeout',
  'connect-failed',
  'connection-lost',
  'tls-failed',
  'overloaded',
  'name-server-unreachable',
  'topic-not-found',
  'broker-not-found',
  'access-denied',
  'broker-error',
  'bad-answer',
  'held-back',
  'receipt-expired',
  'offset-store-failed',
] as const;

export type RocketMQErrorCode = (typeof ROCKETMQ_ERROR_CODES)[number];

/**
 * What is known about the effect of a failed request.
 * `not-sent`: no byte of it left. `rejected`: the peer answered that it did not do it.
 * `unknown`: it was written, and whether it was done is not known.
 */
export type RequestOutcome = 'not-sent' | 'rejected' | 'unknown';

export interface RocketMQErrorOptions extends ErrorOptions {
  /** @default false */
  retryable?: boolean;
  /** @default 'not-sent' */
  outcome?: RequestOutcome;
  responseCode?: number;
}

/** Every failure of this package. */
export class RocketMQError extends Error {
  override readonly name: string = 'RocketMQError';
  readonly code: RocketMQErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  readonly outcome: RequestOutcome;
  /** Code of the broker's or NameServer's answer, when there was one. */
  declare readonly responseCode?: number;

  constructor(code: RocketMQErrorCode, message: string, options: RocketMQErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.outcome = options.outcome ?? 'not-sent';
    if (options.responseCode !== undefined) this.responseCode = options.responseCode;
  }
}

/** A message that was not, or maybe was, handed to a broker: see `outcome`. */
export class SendError extends RocketMQError {
  override readonly name = 'SendError';
  /** Requests that were tried for it. */
  readonly attempts: number;

  constructor(
    code: RocketMQErrorCode,
    message: string,
    options: RocketMQErrorOptions & { attempts?: number } = {},
  ) {
    super(code, message, options);
    this.attempts = options.attempts ?? 0;
  }
}

const RETRYABLE_RESPONSES: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.NO_PERMISSION,
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.FLOW_CONTROL,
  // Nothing was done; another broker may do it, or this one when it is back.
  ResponseCode.GO_AWAY,
]);

const ACCESS_DENIED = /AclException|AuthenticationException|AuthorizationException/;

/**
 * The error of an answer that is not a success. Refusals of access control come with code 1, which is otherwise
 * worth another try: they are told by their text.
 */
export function errorOfResponse(response: RemotingCommand, request: string, peer: string): RocketMQError {
  const remark = response.remark ?? '';
  const denied = ACCESS_DENIED.test(remark);
  const text = `${request} at ${peer}: ${responseCodeName(response.code)} (${response.code})${remark === '' ? '' : `: ${remark}`}`;
  return new RocketMQError(denied ? 'access-denied' : 'broker-error', text, {
    retryable: !denied && RETRYABLE_RESPONSES.has(response.code),
    outcome: 'rejected',
    responseCode: response.code,
  });
}

/** For look-ups before a message is sent: what became of their own requests says nothing about the message. */
export async function beforeSending<T>(lookUp: Promise<T>): Promise<T> {
  try {
    return await lookUp;
  } catch (error) {
    const { code, message, retryable, responseCode } = asRocketMQError(error);
    throw new RocketMQError(code, message, {
      ...{ retryable, cause: error },
      ...(responseCode !== undefined && { responseCode }),
    });
  }
}

export function asRocketMQError(error: unknown): RocketMQError {
  if (error instanceof RocketMQError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RocketMQError('bad-answer', message, { cause: error, outcome: 'unknown' });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
