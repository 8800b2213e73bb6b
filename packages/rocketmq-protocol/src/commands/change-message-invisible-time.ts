import { RequestCode } from '../codes/request-codes.ts';
import { header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerOnly } from './command-codec.ts';

const requestHeader = header('CHANGE_MESSAGE_INVISIBLETIME request', {
  consumerGroup: text(),
  /** The real topic: the retry topic for a message that came through it. */
  topic: text(),
  queueId: int32(),
  /** The receipt handle. */
  extraInfo: text(),
  offset: int64(),
  /** Milliseconds from now on. */
  invisibleTime: int64(),
});

const responseHeader = header('CHANGE_MESSAGE_INVISIBLETIME response', {
  // Absent when a message popped in order was done before.
  popTime: optional(int64()),
  invisibleTime: optional(int64()),
  reviveQid: optional(int32()),
});

export type ChangeMessageInvisibleTimeRequest = ReturnType<typeof requestHeader.decode>;
export type ChangeMessageInvisibleTimeResponse = ReturnType<typeof responseHeader.decode>;

/** A popped message stays away for another time; the answer makes its new receipt. */
export const changeMessageInvisibleTime = command<
  ChangeMessageInvisibleTimeRequest,
  ChangeMessageInvisibleTimeResponse
>(RequestCode.CHANGE_MESSAGE_INVISIBLETIME, {
  request: headerOnly(requestHeader),
  response: headerOnly(responseHeader),
});
