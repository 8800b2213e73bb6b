import { RequestCode } from '../codes/request-codes.ts';
import { header, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_KVLIST_BY_NAMESPACE request', { namespace: text() });

export type GetKvListByNamespaceRequest = ReturnType<typeof requestHeader.decode>;

export interface GetKvListByNamespaceResponse {
  table: Record<string, string>;
}

/** All texts that a NameServer keeps in one namespace. None: QUERY_NOT_FOUND. */
export const getKvListByNamespace = command<GetKvListByNamespaceRequest, GetKvListByNamespaceResponse>(
  RequestCode.GET_KVLIST_BY_NAMESPACE,
  {
    request: headerOnly(requestHeader),
    response: bodyOnly({
      encode: ({ table }) => jsonBody({ table }),
      decode: (body) => ({ table: JsonReader.parse(body, 'KVTable').stringMap('table') }),
    }),
  },
);
