import { RequestCode } from '../codes/request-codes.ts';
import { header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerAndBody, headerOnly } from './command-codec.ts';

const requestHeader = header('PEEK_MESSAGE request', {
  consumerGroup: text(),
  topic: text(),
  /** -1 for all queues. */
  queueId: int32(),
  maxMsgNums: int32(),
});

const responseHeader = header('PEEK_MESSAGE response', {
  popTime: optional(int64()),
  invisibleTime: optional(int64()),
  reviveQid: optional(int32()),
  /** Messages the group has not popped yet. */
  restNum: int64(),
});

export type PeekMessageRequest = ReturnType<typeof requestHeader.decode>;
/** `body` holds stored messages one behind the other. */
export type PeekMessageResponse = ReturnType<typeof responseHeader.decode> & { body: Buffer };

/** What a pop would give, without taking it. Code 19 when there is nothing, with the same fields. */
export const peekMessage = command<PeekMessageRequest, PeekMessageResponse>(RequestCode.PEEK_MESSAGE, {
  request: headerOnly(requestHeader),
  response: headerAndBody(responseHeader),
});
