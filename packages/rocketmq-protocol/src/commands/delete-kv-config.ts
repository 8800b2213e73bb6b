import { RequestCode } from '../codes/request-codes.ts';
import { header, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('DELETE_KV_CONFIG request', { namespace: text(), key: text() });

export type DeleteKvConfigRequest = ReturnType<typeof requestHeader.decode>;

/** Removes a text from a NameServer, also one that is not there. */
export const deleteKvConfig = command<DeleteKvConfigRequest, Nothing>(RequestCode.DELETE_KV_CONFIG, {
  request: headerOnly(requestHeader),
  response: nothing,
});
