import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerOnly } from './command-codec.ts';

const requestHeader = header('QUERY_CONSUMER_OFFSET request', {
  consumerGroup: text(),
  topic: text(),
  queueId: int32(),
  setZeroIfNotFound: optional(boolean()),
});

const responseHeader = header('QUERY_CONSUMER_OFFSET response', {
  offset: int64(),
});

export type QueryConsumerOffsetRequest = ReturnType<typeof requestHeader.decode>;
export type QueryConsumerOffsetResponse = ReturnType<typeof responseHeader.decode>;

/** The stored offset of a group. Nothing stored: QUERY_NOT_FOUND, or offset 0 while the first message of the queue is still in memory. */
export const queryConsumerOffset = command<QueryConsumerOffsetRequest, QueryConsumerOffsetResponse>(
  RequestCode.QUERY_CONSUMER_OFFSET,
  {
    request: headerOnly(requestHeader),
    response: headerOnly(responseHeader),
  },
);
