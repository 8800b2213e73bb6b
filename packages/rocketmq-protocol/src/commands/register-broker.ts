import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyCrc32 } from '../message/stored-message.ts';
import { ProtocolError } from '../errors.ts';
import {
  decodeRegistrationBody,
  encodeRegistrationBody,
  inflateRegistrationBody,
  type BrokerRegistrationBody,
} from './broker-registration-body.ts';
import { command, jsonBody } from './command-codec.ts';

const requestHeader = header('REGISTER_BROKER request', {
  brokerName: text(),
  brokerAddr: text(),
  clusterName: text(),
  haServerAddr: text(),
  /** 0 is the master. */
  brokerId: int64(),
  /** How long the NameServer may hear nothing; 120 s when absent. */
  heartbeatTimeoutMillis: optional(int64()),
  enableActingMaster: optional(boolean()),
  compressed: optional(boolean()),
  bodyCrc32: optional(int32()),
  zoneName: optional(text('__ZONE_NAME')),
});

const responseHeader = header('REGISTER_BROKER response', {
  haServerAddr: optional(text()),
  masterAddr: optional(text()),
});

export type RegisterBrokerRequest = Omit<
  ReturnType<typeof requestHeader.decode>,
  'compressed' | 'bodyCrc32'
> &
  BrokerRegistrationBody;

export type RegisterBrokerResponse = ReturnType<typeof responseHeader.decode> & {
  /** Queues of ordered topics, as tools have set them. */
  orderTopics: Record<string, string>;
};

/** A broker tells a NameServer that it is there, and its topics. Written without compression, read with it too. */
export const registerBroker = command<RegisterBrokerRequest, RegisterBrokerResponse>(
  RequestCode.REGISTER_BROKER,
  {
    request: {
      encode: (request) => {
        const body = encodeRegistrationBody(request);
        return {
          extFields: requestHeader.encode({ ...request, compressed: false, bodyCrc32: bodyCrc32(body) }),
          body,
        };
      },
      decode: ({ extFields, body }) => {
        const { compressed, bodyCrc32: crc, ...fields } = requestHeader.decode(extFields);
        if (crc !== undefined && crc !== 0 && crc !== bodyCrc32(body))
          throw new ProtocolError('body-malformed', 'crc32 not match');
        return {
          ...fields,
          ...(compressed === true ? inflateRegistrationBody(body) : decodeRegistrationBody(body)),
        };
      },
    },
    response: {
      encode: ({ orderTopics, ...fields }) => ({
        extFields: responseHeader.encode(fields),
        body: Object.keys(orderTopics).length === 0 ? Buffer.alloc(0) : jsonBody({ table: orderTopics }),
      }),
      decode: ({ extFields, body }) => ({
        ...responseHeader.decode(extFields),
        orderTopics: body.length === 0 ? {} : JsonReader.parse(body, 'KVTable').stringMap('table'),
      }),
    },
  },
);
