import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerOnly } from './command-codec.ts';

const requestHeader = header('NOTIFICATION request', {
  consumerGroup: text(),
  topic: text(),
  /** -1 for all queues. */
  queueId: int32(),
  /** Milliseconds from `bornTime` on. */
  pollTime: int64(),
  /** Milliseconds since 1970. */
  bornTime: int64(),
  order: optional(boolean()),
  attemptId: optional(text()),
});

const responseHeader = header('NOTIFICATION response', { hasMsg: boolean() });

export type NotificationRequest = ReturnType<typeof requestHeader.decode>;
export type NotificationResponse = ReturnType<typeof responseHeader.decode>;

/** Waits until a pop would find something, or until the poll time is over. */
export const notification = command<NotificationRequest, NotificationResponse>(RequestCode.NOTIFICATION, {
  request: headerOnly(requestHeader),
  response: headerOnly(responseHeader),
});
