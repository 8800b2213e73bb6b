import type { JsonObject } from '../json/json-value.ts';
import { JsonReader } from '../json/read.ts';
import { queueMappingFromJson, queueMappingToJson, type TopicQueueMapping } from './queue-mapping.ts';

/** The brokers that share one name: a master and its slaves. */
export interface BrokerData {
  cluster: string;
  brokerName: string;
  /** `host:port` by broker id as decimal text; id 0 is the master. */
  brokerAddrs: Record<string, string>;
  enableActingMaster?: boolean;
}

export interface QueueData {
  brokerName: string;
  readQueueNums: number;
  writeQueueNums: number;
  /** Bits of `Permission`. */
  perm: number;
  topicSysFlag: number;
}

/** Where a topic lives. */
export interface TopicRouteData {
  brokerDatas: BrokerData[];
  queueDatas: QueueData[];
  /** `broker-a:4;broker-b:4`, only for globally ordered topics. */
  orderTopicConf?: string;
  /** Of a static topic, one of each broker that has queues of it. */
  queueMappings?: TopicQueueMapping[];
}

export const MASTER_ID = '0';

export function encodeTopicRouteData(route: TopicRouteData): Buffer {
  const document: JsonObject = {
    brokerDatas: route.brokerDatas.map(brokerDataToJson),
    filterServerTable: {},
    queueDatas: route.queueDatas.map((queue) => ({
      brokerName: queue.brokerName,
      perm: queue.perm,
      readQueueNums: queue.readQueueNums,
      topicSysFlag: queue.topicSysFlag,
      writeQueueNums: queue.writeQueueNums,
    })),
  };
  if (route.orderTopicConf !== undefined) document['orderTopicConf'] = route.orderTopicConf;
  if (route.queueMappings !== undefined)
    document['topicQueueMappingByBroker'] = Object.fromEntries(
      route.queueMappings.map((mapping) => [mapping.brokerName, queueMappingToJson(mapping)]),
    );
  return Buffer.from(JSON.stringify(document));
}

export function decodeTopicRouteData(body: Buffer): TopicRouteData {
  const document = JsonReader.parse(body, 'TopicRouteData');
  const route: TopicRouteData = {
    brokerDatas: document.objects('brokerDatas').map(brokerDataFromJson),
    queueDatas: document.objects('queueDatas').map((queue) => ({
      brokerName: queue.string('brokerName'),
      readQueueNums: queue.integer('readQueueNums'),
      writeQueueNums: queue.integer('writeQueueNums'),
      perm: queue.integer('perm'),
      topicSysFlag: queue.integer('topicSysFlag', 0),
    })),
  };
  if (document.has('orderTopicConf')) route.orderTopicConf = document.string('orderTopicConf');
  if (document.has('topicQueueMappingByBroker')) {
    const mappings = document.object('topicQueueMappingByBroker');
    route.queueMappings = mappings.keys.map((broker) => queueMappingFromJson(mappings.object(broker)));
  }
  return route;
}

export function brokerDataToJson(broker: BrokerData): JsonObject {
  return {
    brokerAddrs: broker.brokerAddrs,
    brokerName: broker.brokerName,
    cluster: broker.cluster,
    enableActingMaster: broker.enableActingMaster ?? false,
  };
}

export function brokerDataFromJson(reader: JsonReader): BrokerData {
  return {
    cluster: reader.string('cluster', ''),
    brokerName: reader.string('brokerName'),
    brokerAddrs: reader.stringMap('brokerAddrs'),
    enableActingMaster: reader.boolean('enableActingMaster', false),
  };
}
