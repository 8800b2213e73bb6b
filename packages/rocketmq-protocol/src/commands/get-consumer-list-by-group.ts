import { RequestCode } from '../codes/request-codes.ts';
import { header, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_CONSUMER_LIST_BY_GROUP request', { consumerGroup: text() });

export type GetConsumerListByGroupRequest = ReturnType<typeof requestHeader.decode>;

export interface ConsumerList {
  clientIds: string[];
}

function encode(list: ConsumerList): Buffer {
  return jsonBody({ consumerIdList: list.clientIds });
}

function decode(body: Buffer): ConsumerList {
  return {
    clientIds: JsonReader.parse(body, 'GET_CONSUMER_LIST_BY_GROUP response').strings('consumerIdList'),
  };
}

/** The members of a group that are online. None: SYSTEM_ERROR. */
export const getConsumerListByGroup = command<GetConsumerListByGroupRequest, ConsumerList>(
  RequestCode.GET_CONSUMER_LIST_BY_GROUP,
  { request: headerOnly(requestHeader), response: bodyOnly({ encode, decode }) },
);
