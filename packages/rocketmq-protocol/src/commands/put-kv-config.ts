import { RequestCode } from '../codes/request-codes.ts';
import { header, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('PUT_KV_CONFIG request', {
  namespace: text(),
  key: text(),
  value: text(),
});

export type PutKvConfigRequest = ReturnType<typeof requestHeader.decode>;

/** Keeps a text at a NameServer, each of which has its own; it replaces what is there. */
export const putKvConfig = command<PutKvConfigRequest, Nothing>(RequestCode.PUT_KV_CONFIG, {
  request: headerOnly(requestHeader),
  response: nothing,
});
