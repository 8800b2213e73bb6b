import { RequestCode } from '../codes/request-codes.ts';
import { header, int32, int64, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('UPDATE_CONSUMER_OFFSET request', {
  consumerGroup: text(),
  topic: text(),
  queueId: int32(),
  commitOffset: int64(),
});

export type UpdateConsumerOffsetRequest = ReturnType<typeof requestHeader.decode>;

/** Stores the offset of a group. Java sends it one-way; two-way it is acknowledged. */
export const updateConsumerOffset = command<UpdateConsumerOffsetRequest, Nothing>(
  RequestCode.UPDATE_CONSUMER_OFFSET,
  {
    request: headerOnly(requestHeader),
    response: nothing,
  },
);
