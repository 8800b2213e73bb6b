import { RequestCode } from '../codes/request-codes.ts';
import { header, optional, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('UNREGISTER_CLIENT request', {
  clientID: text(),
  producerGroup: optional(text()),
  consumerGroup: optional(text()),
});

export type UnregisterClientRequest = ReturnType<typeof requestHeader.decode>;

/** Takes a client out of one group at once. */
export const unregisterClient = command<UnregisterClientRequest, Nothing>(RequestCode.UNREGISTER_CLIENT, {
  request: headerOnly(requestHeader),
  response: nothing,
});
