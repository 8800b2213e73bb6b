import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('CONSUMER_SEND_MSG_BACK request', {
  offset: int64(),
  group: text(),
  delayLevel: int32(),
  originMsgId: optional(text()),
  originTopic: optional(text()),
  unitMode: optional(boolean()),
  maxReconsumeTimes: optional(int32()),
});

export type ConsumerSendMessageBackRequest = ReturnType<typeof requestHeader.decode>;

/** Gives a failed message back for a later delivery. `offset` is the physical offset of the message, not its queue offset. */
export const consumerSendMessageBack = command<ConsumerSendMessageBackRequest, Nothing>(
  RequestCode.CONSUMER_SEND_MSG_BACK,
  {
    request: headerOnly(requestHeader),
    response: nothing,
  },
);
