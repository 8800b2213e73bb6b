import { RequestCode } from '../codes/request-codes.ts';
import {
  clientConnectionFromJson,
  clientConnectionToJson,
  type ClientConnection,
} from '../data/client-connection.ts';
import { header, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_PRODUCER_CONNECTION_LIST request', { producerGroup: text() });

export type GetProducerConnectionListRequest = ReturnType<typeof requestHeader.decode>;

export interface ProducerConnections {
  connections: ClientConnection[];
}

/** The clients of a producer group that are connected to one broker. None: SYSTEM_ERROR. */
export const getProducerConnectionList = command<GetProducerConnectionListRequest, ProducerConnections>(
  RequestCode.GET_PRODUCER_CONNECTION_LIST,
  {
    request: headerOnly(requestHeader),
    response: bodyOnly({
      encode: ({ connections }) => jsonBody({ connectionSet: connections.map(clientConnectionToJson) }),
      decode: (body) => ({
        connections: JsonReader.parse(body, 'ProducerConnection')
          .objects('connectionSet')
          .map(clientConnectionFromJson),
      }),
    }),
  },
);
