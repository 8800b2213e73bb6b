import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerAndBody, headerOnly } from './command-codec.ts';

const requestHeader = header('QUERY_MESSAGE request', {
  topic: text(),
  key: text(),
  maxNum: int32(),
  /** Milliseconds since 1970, both ends included. */
  beginTimestamp: int64(),
  endTimestamp: int64(),
  /** The key is a UNIQ_KEY; the broker then takes its own limit instead of `maxNum`. */
  uniqueKeyQuery: optional(boolean('_UNIQUE_KEY_QUERY')),
});

const responseHeader = header('QUERY_MESSAGE response', {
  indexLastUpdateTimestamp: int64(),
  indexLastUpdatePhyoffset: int64(),
});

export type QueryMessageRequest = ReturnType<typeof requestHeader.decode>;
/** `body` holds stored messages. Brokers find them by hash: whoever asks looks at topic and key again. */
export type QueryMessageResponse = ReturnType<typeof responseHeader.decode> & { body: Buffer };

/** Messages with a key. None: QUERY_NOT_FOUND. */
export const queryMessage = command<QueryMessageRequest, QueryMessageResponse>(RequestCode.QUERY_MESSAGE, {
  request: headerOnly(requestHeader),
  response: headerAndBody(responseHeader),
});
