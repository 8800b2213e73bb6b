import { RequestCode } from '../codes/request-codes.ts';
import { header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerAndBody, headerOnly } from './command-codec.ts';

const requestHeader = header('PULL_MESSAGE request', {
  consumerGroup: text(),
  topic: text(),
  queueId: int32(),
  queueOffset: int64(),
  maxMsgNums: int32(),
  /** Bits of `PullSysFlag`. */
  sysFlag: int32(),
  commitOffset: int64(),
  suspendTimeoutMillis: int64(),
  subVersion: int64(),
  subscription: optional(text()),
  expressionType: optional(text()),
  maxMsgBytes: optional(int32()),
});

const responseHeader = header('PULL_MESSAGE response', {
  suggestWhichBrokerId: int64(),
  nextBeginOffset: int64(),
  minOffset: int64(),
  maxOffset: int64(),
  offsetDelta: optional(int64()),
  topicSysFlag: optional(int32()),
  groupSysFlag: optional(int32()),
  forbiddenType: optional(int32()),
});

export type PullMessageRequest = ReturnType<typeof requestHeader.decode>;
/** `body` holds stored messages one behind the other. */
export type PullMessageResponse = ReturnType<typeof responseHeader.decode> & { body: Buffer };

/** Messages of a queue from an offset on. The response fields come with codes 0, 19, 20 and 21. */
export const pullMessage = command<PullMessageRequest, PullMessageResponse>(RequestCode.PULL_MESSAGE, {
  request: headerOnly(requestHeader),
  response: headerAndBody(responseHeader),
});
