import { RequestCode } from '../codes/request-codes.ts';
import { header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerOnly } from './command-codec.ts';

const requestHeader = header('SEARCH_OFFSET_BY_TIMESTAMP request', {
  topic: text(),
  queueId: int32(),
  timestamp: int64(),
  /** LOWER (when absent): the first message stored at or after the time. UPPER: the last one at or before it. */
  boundaryType: optional(text()),
});

const responseHeader = header('SEARCH_OFFSET_BY_TIMESTAMP response', {
  offset: int64(),
});

export type SearchOffsetByTimestampRequest = ReturnType<typeof requestHeader.decode>;
export type SearchOffsetByTimestampResponse = ReturnType<typeof responseHeader.decode>;

/** The offset at a time (milliseconds since 1970). Beyond the end: the max offset for LOWER, one less for UPPER. */
export const searchOffsetByTimestamp = command<
  SearchOffsetByTimestampRequest,
  SearchOffsetByTimestampResponse
>(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, {
  request: headerOnly(requestHeader),
  response: headerOnly(responseHeader),
});
