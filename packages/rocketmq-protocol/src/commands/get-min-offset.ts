import { RequestCode } from '../codes/request-codes.ts';
import { header, int32, int64, text } from '../header/fields.ts';
import { command, headerOnly } from './command-codec.ts';

const requestHeader = header('GET_MIN_OFFSET request', {
  topic: text(),
  queueId: int32(),
});

const responseHeader = header('GET_MIN_OFFSET response', {
  offset: int64(),
});

export type GetMinOffsetRequest = ReturnType<typeof requestHeader.decode>;
export type GetMinOffsetResponse = ReturnType<typeof responseHeader.decode>;

/** The offset of the first message still stored; 0 for an unknown queue. */
export const getMinOffset = command<GetMinOffsetRequest, GetMinOffsetResponse>(RequestCode.GET_MIN_OFFSET, {
  request: headerOnly(requestHeader),
  response: headerOnly(responseHeader),
});
