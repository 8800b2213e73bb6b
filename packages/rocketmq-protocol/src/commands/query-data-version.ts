import { RequestCode } from '../codes/request-codes.ts';
import { dataVersionOf, dataVersionToJson, type DataVersion } from '../data/data-version.ts';
import { boolean, header, int64, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { command, jsonBody } from './command-codec.ts';

const requestHeader = header('QUERY_DATA_VERSION request', {
  brokerName: text(),
  brokerAddr: text(),
  clusterName: text(),
  brokerId: int64(),
});
const responseHeader = header('QUERY_DATA_VERSION response', { changed: boolean() });

export type QueryDataVersionRequest = ReturnType<typeof requestHeader.decode> & { dataVersion: DataVersion };
export type QueryDataVersionResponse = ReturnType<typeof responseHeader.decode> & {
  /** What the NameServer has; absent when it does not know the broker. */
  dataVersion?: DataVersion;
};

const versionOf = (body: Buffer): DataVersion => dataVersionOf(JsonReader.parse(body, 'DataVersion'));

/** A broker asks whether a NameServer knows the present state of its topics. */
export const queryDataVersion = command<QueryDataVersionRequest, QueryDataVersionResponse>(
  RequestCode.QUERY_DATA_VERSION,
  {
    request: {
      encode: ({ dataVersion, ...fields }) => ({
        extFields: requestHeader.encode(fields),
        body: jsonBody(dataVersionToJson(dataVersion)),
      }),
      decode: ({ extFields, body }) => ({
        ...requestHeader.decode(extFields),
        dataVersion: versionOf(body),
      }),
    },
    response: {
      encode: ({ changed, dataVersion }) => ({
        extFields: responseHeader.encode({ changed }),
        body: dataVersion === undefined ? Buffer.alloc(0) : jsonBody(dataVersionToJson(dataVersion)),
      }),
      decode: ({ extFields, body }) => ({
        ...responseHeader.decode(extFields),
        ...(body.length > 0 && { dataVersion: versionOf(body) }),
      }),
    },
  },
);
