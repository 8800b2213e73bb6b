import { RequestCode } from '../codes/request-codes.ts';
import { header, int32, text } from '../header/fields.ts';
import { command, headerOnly } from './command-codec.ts';

const requestHeader = header('WIPE_WRITE_PERM_OF_BROKER request', { brokerName: text() });
const responseHeader = header('WIPE_WRITE_PERM_OF_BROKER response', { wipeTopicCount: int32() });

export type WipeWritePermOfBrokerRequest = ReturnType<typeof requestHeader.decode>;
export type WipeWritePermOfBrokerResponse = ReturnType<typeof responseHeader.decode>;

/** Takes the right to be written to from all topics of a broker in one NameServer's routes. */
export const wipeWritePermOfBroker = command<WipeWritePermOfBrokerRequest, WipeWritePermOfBrokerResponse>(
  RequestCode.WIPE_WRITE_PERM_OF_BROKER,
  { request: headerOnly(requestHeader), response: headerOnly(responseHeader) },
);
