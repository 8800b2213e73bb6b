import { RequestCode } from '../codes/request-codes.ts';
import { header, int32, int64, text } from '../header/fields.ts';
import { command, headerOnly } from './command-codec.ts';

const requestHeader = header('GET_EARLIEST_MSG_STORETIME request', { topic: text(), queueId: int32() });
/** Milliseconds since 1970; -1 when the queue holds nothing. */
const responseHeader = header('GET_EARLIEST_MSG_STORETIME response', { timestamp: int64() });

export type GetEarliestMessageStoreTimeRequest = ReturnType<typeof requestHeader.decode>;
export type GetEarliestMessageStoreTimeResponse = ReturnType<typeof responseHeader.decode>;

/** When the oldest message of a queue was stored. */
export const getEarliestMessageStoreTime = command<
  GetEarliestMessageStoreTimeRequest,
  GetEarliestMessageStoreTimeResponse
>(RequestCode.GET_EARLIEST_MSG_STORETIME, {
  request: headerOnly(requestHeader),
  response: headerOnly(responseHeader),
});
