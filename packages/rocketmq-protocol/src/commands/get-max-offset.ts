import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerOnly } from './command-codec.ts';

const requestHeader = header('GET_MAX_OFFSET request', {
  topic: text(),
  queueId: int32(),
  committed: optional(boolean()),
});

const responseHeader = header('GET_MAX_OFFSET response', {
  offset: int64(),
});

export type GetMaxOffsetRequest = ReturnType<typeof requestHeader.decode>;
export type GetMaxOffsetResponse = ReturnType<typeof responseHeader.decode>;

/** The offset behind the last message; 0 for an unknown queue. `committed` is true when absent. */
export const getMaxOffset = command<GetMaxOffsetRequest, GetMaxOffsetResponse>(RequestCode.GET_MAX_OFFSET, {
  request: headerOnly(requestHeader),
  response: headerOnly(responseHeader),
});
