import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerAndBody, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('PUSH_REPLY_MESSAGE_TO_CLIENT request', {
  producerGroup: text(),
  /** The reply topic of the cluster. */
  topic: text(),
  defaultTopic: text(),
  defaultTopicQueueNums: int32(),
  queueId: int32(),
  sysFlag: int32(),
  bornTimestamp: int64(),
  flag: int32(),
  /** Encoded properties; CORRELATION_ID says which request this is the reply to. */
  properties: optional(text()),
  reconsumeTimes: optional(int32()),
  unitMode: optional(boolean()),
  /** `ip:port` of who replied. */
  bornHost: text(),
  /** `ip:port` of the broker. */
  storeHost: text(),
  storeTimestamp: int64(),
});

export type PushReplyMessageToClientRequest = ReturnType<typeof requestHeader.decode> & { body: Buffer };

/** From the broker to the client that waits for a reply; who replied waits for its answer. */
export const pushReplyMessageToClient = command<PushReplyMessageToClientRequest, Nothing>(
  RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT,
  { request: headerAndBody(requestHeader), response: nothing },
);
