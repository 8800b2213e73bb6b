import { RequestCode } from '../codes/request-codes.ts';
import { dataVersionFromJson, dataVersionToJson, type DataVersion } from '../data/data-version.ts';
import { topicConfigFromJson, topicConfigToJson, type TopicConfig } from '../data/topic-config.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

export interface AllTopicConfigs {
  dataVersion: DataVersion;
  topics: TopicConfig[];
}

function encode({ dataVersion, topics }: AllTopicConfigs): Buffer {
  return jsonBody({
    dataVersion: dataVersionToJson(dataVersion),
    mappingDataVersion: dataVersionToJson({ counter: 0, stateVersion: 0, timestamp: 0 }),
    topicConfigTable: Object.fromEntries(topics.map((topic) => [topic.topicName, topicConfigToJson(topic)])),
    topicQueueMappingDetailMap: {},
    topicQueueMappingInfoMap: {},
  });
}

function decode(body: Buffer): AllTopicConfigs {
  const document = JsonReader.parse(body, 'TopicConfigSerializeWrapper');
  const table = document.object('topicConfigTable');
  return {
    dataVersion: dataVersionFromJson(document, 'dataVersion'),
    topics: table.keys.map((name) => topicConfigFromJson(table.object(name))),
  };
}

/** All topics as one broker has them, those of the system among them. */
export const getAllTopicConfig = command<Nothing, AllTopicConfigs>(RequestCode.GET_ALL_TOPIC_CONFIG, {
  request: nothing,
  response: bodyOnly({ encode, decode }),
});
