import { RequestCode } from '../codes/request-codes.ts';
import { brokerDataFromJson, brokerDataToJson, type BrokerData } from '../data/route-data.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

export interface ClusterInfo {
  /** By broker name. */
  brokers: Record<string, BrokerData>;
  /** Broker names by cluster name. */
  clusters: Record<string, string[]>;
}

function encode(info: ClusterInfo): Buffer {
  return jsonBody({
    brokerAddrTable: Object.fromEntries(
      Object.entries(info.brokers).map(([name, broker]) => [name, brokerDataToJson(broker)]),
    ),
    clusterAddrTable: info.clusters,
  });
}

function decode(body: Buffer): ClusterInfo {
  const document = JsonReader.parse(body, 'ClusterInfo');
  return {
    brokers: table(document, 'brokerAddrTable', (brokers, name) => brokerDataFromJson(brokers.object(name))),
    clusters: table(document, 'clusterAddrTable', (clusters, name) => clusters.strings(name)),
  };
}

function table<T>(
  document: JsonReader,
  name: string,
  read: (map: JsonReader, key: string) => T,
): Record<string, T> {
  if (!document.has(name)) return {};
  const map = document.object(name);
  return Object.fromEntries(map.keys.map((key) => [key, read(map, key)]));
}

/** All clusters and brokers. Real NameServers write the broker ids as bare numbers; here they are quoted. */
export const getBrokerClusterInfo = command<Nothing, ClusterInfo>(RequestCode.GET_BROKER_CLUSTER_INFO, {
  request: nothing,
  response: bodyOnly({ encode, decode }),
});
