import { RequestCode } from '../codes/request-codes.ts';
import { header, int32, int64, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('ACK_MESSAGE request', {
  consumerGroup: text(),
  /** The real topic: the retry topic for a message that came through it. */
  topic: text(),
  queueId: int32(),
  /** The receipt handle. */
  extraInfo: text(),
  offset: int64(),
});

export type AckMessageRequest = ReturnType<typeof requestHeader.decode>;

/** A popped message is done. Code 0 also for one that was done before, and for a topic that is not its real one. */
export const ackMessage = command<AckMessageRequest, Nothing>(RequestCode.ACK_MESSAGE, {
  request: headerOnly(requestHeader),
  response: nothing,
});
