import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerAndBody, headerOnly } from './command-codec.ts';

const requestHeader = header('POP_MESSAGE request', {
  consumerGroup: text(),
  topic: text(),
  /** -1 for all queues. */
  queueId: int32(),
  maxMsgNums: int32(),
  /** Milliseconds. */
  invisibleTime: int64(),
  /** Milliseconds from `bornTime` on. */
  pollTime: int64(),
  /** Milliseconds since 1970. */
  bornTime: int64(),
  /** One of `PopInitMode`. */
  initMode: int32(),
  expType: optional(text()),
  exp: optional(text()),
  order: optional(boolean()),
  attemptId: optional(text()),
});

const responseHeader = header('POP_MESSAGE response', {
  popTime: int64(),
  invisibleTime: int64(),
  reviveQid: int32(),
  /** Messages left. */
  restNum: int64(),
  startOffsetInfo: optional(text()),
  msgOffsetInfo: optional(text()),
  orderCountInfo: optional(text()),
});

export type PopMessageRequest = ReturnType<typeof requestHeader.decode>;
/** `body` holds stored messages one behind the other. */
export type PopMessageResponse = ReturnType<typeof responseHeader.decode> & { body: Buffer };

/** Messages of a topic that nobody else gets for a time. The response fields come with codes 0, 209 and 210. */
export const popMessage = command<PopMessageRequest, PopMessageResponse>(RequestCode.POP_MESSAGE, {
  request: headerOnly(requestHeader),
  response: headerAndBody(responseHeader),
});
