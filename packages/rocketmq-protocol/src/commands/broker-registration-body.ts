import { inflateSync } from 'node:zlib';
import {
  dataVersionFromJson,
  dataVersionOf,
  dataVersionToJson,
  type DataVersion,
} from '../data/data-version.ts';
import { queueMappingFromJson, queueMappingToJson, type TopicQueueMapping } from '../data/queue-mapping.ts';
import {
  topicConfigFromJson,
  topicConfigOf,
  topicConfigToJson,
  type TopicConfig,
} from '../data/topic-config.ts';
import { ProtocolError } from '../errors.ts';
import { JsonReader } from '../json/read.ts';
import { jsonBody } from './command-codec.ts';

/** What a broker tells a NameServer about its topics. */
export interface BrokerRegistrationBody {
  dataVersion: DataVersion;
  /** All topics of the broker, or only those that have changed: what is absent is not gone. */
  topics: TopicConfig[];
  /** Of the static topics among them. */
  queueMappings?: TopicQueueMapping[];
}

/** As much as any frame may hold: the limit keeps small bodies from becoming large ones. */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024;

export function encodeRegistrationBody({
  dataVersion,
  topics,
  queueMappings = [],
}: BrokerRegistrationBody): Buffer {
  return jsonBody({
    filterServerList: [],
    topicConfigSerializeWrapper: {
      dataVersion: dataVersionToJson(dataVersion),
      mappingDataVersion: dataVersionToJson({ counter: 0, stateVersion: 0, timestamp: 0 }),
      topicConfigTable: Object.fromEntries(
        topics.map((topic) => [topic.topicName, topicConfigToJson(topic)]),
      ),
      topicQueueMappingDetailMap: {},
      topicQueueMappingInfoMap: Object.fromEntries(
        queueMappings.map((mapping) => [mapping.topic, queueMappingToJson(mapping)]),
      ),
    },
  });
}

export function decodeRegistrationBody(body: Buffer): BrokerRegistrationBody {
  const none = { dataVersion: { counter: 0, stateVersion: 0, timestamp: 0 }, topics: [] };
  if (body.length === 0) return none;
  const document = JsonReader.parse(body, 'RegisterBrokerBody');
  if (!document.has('topicConfigSerializeWrapper')) return none;
  const wrapper = document.object('topicConfigSerializeWrapper');
  const decoded: BrokerRegistrationBody = {
    dataVersion: dataVersionFromJson(wrapper, 'dataVersion'),
    topics: valuesOf(wrapper, 'topicConfigTable').map(topicConfigFromJson),
  };
  return withMappings(decoded, valuesOf(wrapper, 'topicQueueMappingInfoMap').map(queueMappingFromJson));
}

/** The deflated form: each part behind its length, topics as texts. Brokers before 5.0 tell of no static topics. */
export function inflateRegistrationBody(body: Buffer): BrokerRegistrationBody {
  if (body.length === 0) return decodeRegistrationBody(body);
  const parts = new Parts(inflated(body));
  const dataVersion = dataVersionOf(JsonReader.parse(parts.bytes(), 'DataVersion'));
  const topics = Array.from({ length: parts.count() }, () => topicFromText(parts.bytes().toString()));
  // The servers that filter classes: nobody has them any more.
  parts.bytes();
  const mappings = Array.from({ length: parts.isEmpty ? 0 : parts.count() }, () =>
    queueMappingFromJson(JsonReader.parse(parts.bytes(), 'TopicQueueMappingInfo')),
  );
  return withMappings({ dataVersion, topics }, mappings);
}

function withMappings(
  decoded: BrokerRegistrationBody,
  queueMappings: TopicQueueMapping[],
): BrokerRegistrationBody {
  return queueMappings.length === 0 ? decoded : { ...decoded, queueMappings };
}

function valuesOf(wrapper: JsonReader, name: string): JsonReader[] {
  if (!wrapper.has(name)) return [];
  const table = wrapper.object(name);
  return table.keys.map((key) => table.object(key));
}

function inflated(body: Buffer): Buffer {
  try {
    return inflateSync(body, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch (error) {
    throw malformed('it cannot be inflated', error);
  }
}

/** Name, queues to read and to write, permission, filter type and attributes, with a blank between them. */
function topicFromText(text: string): TopicConfig {
  const [topicName = '', read, write, perm, topicFilterType = '', ...rest] = text.split(' ');
  const [readQueueNums, writeQueueNums, permission] = [Number(read), Number(write), Number(perm)];
  if (topicFilterType === '' || ![readQueueNums, writeQueueNums, permission].every(Number.isInteger))
    throw malformed(`${JSON.stringify(text.slice(0, 64))} is no topic`);
  return topicConfigOf(topicName, {
    ...{ readQueueNums, writeQueueNums, perm: permission, topicFilterType },
    attributes: attributesFromText(rest.join(' ')),
  });
}

/** What cannot be read counts as none, as for a real NameServer: routes have no attributes. */
function attributesFromText(text: string): Record<string, string> {
  try {
    const attributes = JsonReader.parse(Buffer.from(text), 'TopicConfig.attributes');
    return Object.fromEntries(attributes.keys.map((key) => [key, attributes.string(key)]));
  } catch {
    return {};
  }
}

function malformed(detail: string, cause?: unknown): ProtocolError {
  return new ProtocolError('body-malformed', `REGISTER_BROKER request: ${detail}`, { cause });
}

/** Reads parts one behind the other, each with its length in front. */
class Parts {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** No more than there are bytes left: each part has at least its length. */
  count(): number {
    const count = this.#integer();
    if (count > (this.#bytes.length - this.#at) / 4) throw malformed('the body ends too early');
    return count;
  }

  bytes(): Buffer {
    const length = this.#integer();
    if (length > this.#bytes.length - this.#at) throw malformed('the body ends too early');
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  #integer(): number {
    if (this.#at + 4 > this.#bytes.length) throw malformed('the body ends too early');
    const value = this.#bytes.readInt32BE(this.#at);
    if (value < 0) throw malformed(`a part of ${value} bytes`);
    this.#at += 4;
    return value;
  }
}
