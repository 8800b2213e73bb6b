import { RequestCode } from '../codes/request-codes.ts';
import { header, optional, text } from '../header/fields.ts';
import { command, headerOnly } from './command-codec.ts';

const requestHeader = header('GET_KV_CONFIG request', {
  namespace: text(),
  key: text(),
});

const responseHeader = header('GET_KV_CONFIG response', {
  value: optional(text()),
});

export type GetKvConfigRequest = ReturnType<typeof requestHeader.decode>;
export type GetKvConfigResponse = ReturnType<typeof responseHeader.decode>;

/** A text that is kept at a NameServer. None: QUERY_NOT_FOUND. */
export const getKvConfig = command<GetKvConfigRequest, GetKvConfigResponse>(RequestCode.GET_KV_CONFIG, {
  request: headerOnly(requestHeader),
  response: headerOnly(responseHeader),
});
