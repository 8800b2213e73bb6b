import { type MessageQueue, ResponseCode } from '@dt/rocketmq-protocol';
import { asRocketMQError, SendError } from '../errors.ts';
import type { EncodedMessage } from './message.ts';
import type { Sent } from './send-steps.ts';

/** All of them mean that the message is stored; the others tell that a flush or a slave was not waited for. */
export type SendStatus = 'SEND_OK' | 'FLUSH_DISK_TIMEOUT' | 'FLUSH_SLAVE_TIMEOUT' | 'SLAVE_NOT_AVAILABLE';

export interface SendResult {
  status: SendStatus;
  /** The id the producer gave the message (UNIQ_KEY); the same on every try, and what consumers see. */
  messageId: string;
  /** The id the broker gave it. */
  offsetMessageId: string;
  queue: MessageQueue;
  /** Position in the queue. */
  queueOffset: number;
}

/** Outcome of one message of a batch. */
export type SendOutcome = { ok: true; result: SendResult } | { ok: false; error: SendError };

const STATUSES = new Map<number, SendStatus>([
  [ResponseCode.SUCCESS, 'SEND_OK'],
  [ResponseCode.FLUSH_DISK_TIMEOUT, 'FLUSH_DISK_TIMEOUT'],
  [ResponseCode.FLUSH_SLAVE_TIMEOUT, 'FLUSH_SLAVE_TIMEOUT'],
  [ResponseCode.SLAVE_NOT_AVAILABLE, 'SLAVE_NOT_AVAILABLE'],
]);

/** `undefined` for an answer that means the message is not stored. */
export function sendStatusOf(responseCode: number): SendStatus | undefined {
  return STATUSES.get(responseCode);
}

export function asSendError(error: unknown): SendError {
  if (error instanceof SendError) return error;
  const { code, message, retryable, outcome, responseCode } = asRocketMQError(error);
  return new SendError(code, message, {
    retryable,
    outcome,
    cause: error,
    ...(responseCode !== undefined && { responseCode }),
  });
}

/** The result of the message at this position of a request. */
export function resultOf(sent: Sent, encoded: EncodedMessage, position: number): SendResult {
  return {
    status: sent.status,
    messageId: encoded.messageId,
    offsetMessageId: sent.offsetMessageIds[position] ?? '',
    queue: sent.queue,
    queueOffset: sent.queueOffset + position,
  };
}
