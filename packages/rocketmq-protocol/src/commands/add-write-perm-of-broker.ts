import { RequestCode } from '../codes/request-codes.ts';
import { header, int32, text } from '../header/fields.ts';
import { command, headerOnly } from './command-codec.ts';

const requestHeader = header('ADD_WRITE_PERM_OF_BROKER request', { brokerName: text() });
const responseHeader = header('ADD_WRITE_PERM_OF_BROKER response', { addTopicCount: int32() });

export type AddWritePermOfBrokerRequest = ReturnType<typeof requestHeader.decode>;
export type AddWritePermOfBrokerResponse = ReturnType<typeof responseHeader.decode>;

/** Makes all topics of a broker readable and writable in one NameServer's routes, whatever they were before. */
export const addWritePermOfBroker = command<AddWritePermOfBrokerRequest, AddWritePermOfBrokerResponse>(
  RequestCode.ADD_WRITE_PERM_OF_BROKER,
  { request: headerOnly(requestHeader), response: headerOnly(responseHeader) },
);
