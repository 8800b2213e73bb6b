import { createResponse, ProtocolError, ResponseCode, type RemotingCommand } from '@dt/rocketmq-protocol';
import { EmbeddedError } from '../errors.ts';

/** The address RocketMQ's own remarks point to. */
const FURTHER_DETAILS = '\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.';

/** A refusal a handler throws: it becomes the answer. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: number;
  readonly extFields: Record<string, string>;

  constructor(code: number, remark: string, extFields: Record<string, string> = {}) {
    super(remark);
    this.code = code;
    this.extFields = extFields;
  }
}

/** A table that clients fill is full: the refusal of what would add to it. */
export function noRoom(what: string, limit: number): Refusal {
  return new Refusal(ResponseCode.SYSTEM_ERROR, `no room for more than ${limit} ${what}`);
}

/** Remark with the link that RocketMQ appends to some of its own. */
export function withDetails(remark: string): string {
  return remark + FURTHER_DETAILS;
}

export function success(
  request: RemotingCommand,
  payload: Partial<Pick<RemotingCommand, 'extFields' | 'body'>> = {},
): RemotingCommand {
  return createResponse(request, ResponseCode.SUCCESS, payload);
}

export function notSupported(request: RemotingCommand): RemotingCommand {
  return createResponse(request, ResponseCode.REQUEST_CODE_NOT_SUPPORTED, {
    remark: ` request type ${request.code} not supported`,
  });
}

interface ErrorAnswer {
  code: number;
  remark: string;
  extFields?: Record<string, string>;
  /** The client's doing, or a state the log already tells of. */
  expected: boolean;
}

/** Codes as a real broker gives them for the same cause. */
export function answerOfError(error: unknown): ErrorAnswer {
  if (error instanceof Refusal)
    return { code: error.code, remark: error.message, extFields: error.extFields, expected: true };
  if (error instanceof ProtocolError)
    return { code: ResponseCode.SYSTEM_ERROR, remark: error.message, expected: true };
  if (error instanceof EmbeddedError) {
    switch (error.code) {
      case 'store-busy':
        return {
          code: ResponseCode.SYSTEM_BUSY,
          remark: `[PC_SYNCHRONIZED]broker busy, ${error.message}`,
          expected: true,
        };
      case 'store-full':
      case 'store-failed':
      case 'closed':
        return {
          code: ResponseCode.SERVICE_NOT_AVAILABLE,
          remark: `service not available now: ${error.message}`,
          expected: true,
        };
      case 'message-illegal':
        return { code: ResponseCode.MESSAGE_ILLEGAL, remark: error.message, expected: true };
      default:
        return { code: ResponseCode.SYSTEM_ERROR, remark: error.message, expected: false };
    }
  }
  return { code: ResponseCode.SYSTEM_ERROR, remark: String(error), expected: false };
}
