import { RequestCode } from '../codes/request-codes.ts';
import { dataVersionFromJson, dataVersionToJson, type DataVersion } from '../data/data-version.ts';
import { topicConfigFromJson, topicConfigToJson, type TopicConfig } from '../data/topic-config.ts';
import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyCrc32 } from '../message/stored-message.ts';
import { ProtocolError } from '../errors.ts';
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
> & {
  dataVersion: DataVersion;
  /** All topics of the broker, or only those that have changed: what is absent is not gone. */
  topics: TopicConfig[];
};

export type RegisterBrokerResponse = ReturnType<typeof responseHeader.decode> & {
  /** Queues of ordered topics, as tools have set them. */
  orderTopics: Record<string, string>;
};

function encodeBody({ dataVersion, topics }: RegisterBrokerRequest): Buffer {
  return jsonBody({
    filterServerList: [],
    topicConfigSerializeWrapper: {
      dataVersion: dataVersionToJson(dataVersion),
      mappingDataVersion: dataVersionToJson({ counter: 0, stateVersion: 0, timestamp: 0 }),
      topicConfigTable: Object.fromEntries(
        topics.map((topic) => [topic.topicName, topicConfigToJson(topic)]),
      ),
      topicQueueMappingDetailMap: {},
      topicQueueMappingInfoMap: {},
    },
  });
}

function decodeBody(body: Buffer): Pick<RegisterBrokerRequest, 'dataVersion' | 'topics'> {
  const none = { dataVersion: { counter: 0, stateVersion: 0, timestamp: 0 }, topics: [] };
  if (body.length === 0) return none;
  const document = JsonReader.parse(body, 'RegisterBrokerBody');
  if (!document.has('topicConfigSerializeWrapper')) return none;
  const wrapper = document.object('topicConfigSerializeWrapper');
  const dataVersion = dataVersionFromJson(wrapper, 'dataVersion');
  if (!wrapper.has('topicConfigTable')) return { dataVersion, topics: [] };
  const table = wrapper.object('topicConfigTable');
  return { dataVersion, topics: table.keys.map((name) => topicConfigFromJson(table.object(name))) };
}

/** A broker tells a NameServer that it is there, and its topics. Deflated bodies are refused. */
export const registerBroker = command<RegisterBrokerRequest, RegisterBrokerResponse>(
  RequestCode.REGISTER_BROKER,
  {
    request: {
      encode: (request) => {
        const body = encodeBody(request);
        return {
          extFields: requestHeader.encode({ ...request, compressed: false, bodyCrc32: bodyCrc32(body) }),
          body,
        };
      },
      decode: ({ extFields, body }) => {
        const { compressed, bodyCrc32: crc, ...fields } = requestHeader.decode(extFields);
        if (crc !== undefined && crc !== 0 && crc !== bodyCrc32(body))
          throw new ProtocolError('body-malformed', 'crc32 not match');
        if (compressed === true)
          throw new ProtocolError('body-malformed', 'REGISTER_BROKER request: a compressed body');
        return { ...fields, ...decodeBody(body) };
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
