import {
  commands,
  createResponse,
  encodeTopicRouteData,
  RequestCode,
  ResponseCode,
  Version,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import {
  jsonBody,
  optionalBoolean,
  Refusal,
  requiredText,
  success,
  withDetails,
  type Handlers,
  type RequestHandler,
} from '../server/index.ts';
import type { KvTable } from './kv-table.ts';
import type { RouteTable } from './route-table.ts';

/** The requests of clients and tools that a NameServer answers. */
export function nameServerHandlers(routes: RouteTable, kv: KvTable): Handlers {
  return new Map<number, RequestHandler>([
    [RequestCode.GET_ROUTEINFO_BY_TOPIC, (request) => route(routes, request)],
    [RequestCode.GET_BROKER_CLUSTER_INFO, (request) => clusterInfo(routes, request)],
    [
      RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
      (request) => success(request, commands.getAllTopicList.encodeResponse({ topics: routes.topics })),
    ],
    [RequestCode.GET_TOPICS_BY_CLUSTER, (request) => topicsByCluster(routes, request)],
    [RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS, (request) => systemTopics(routes, request)],
    [
      RequestCode.DELETE_TOPIC_IN_NAMESRV,
      (request) => {
        const { topic, clusterName } = commands.deleteTopicInNameServer.decodeRequest(request);
        routes.deleteTopic(topic, clusterName);
        return success(request);
      },
    ],
    [
      RequestCode.PUT_KV_CONFIG,
      (request) => {
        kv.put(
          requiredText(request, 'namespace'),
          requiredText(request, 'key'),
          requiredText(request, 'value'),
        );
        return success(request);
      },
    ],
    [RequestCode.GET_KV_CONFIG, (request) => getKv(kv, request)],
    [
      RequestCode.DELETE_KV_CONFIG,
      (request) => {
        kv.delete(requiredText(request, 'namespace'), requiredText(request, 'key'));
        return success(request);
      },
    ],
    [RequestCode.GET_KVLIST_BY_NAMESPACE, (request) => listKv(kv, request)],
  ]);
}

function route(routes: RouteTable, request: RemotingCommand): RemotingCommand {
  // A request without a topic is one for a topic nobody has.
  const topic = request.extFields['topic'];
  const acceptStandardJsonOnly = optionalBoolean(request, 'acceptStandardJsonOnly');
  const data = topic === undefined ? undefined : routes.route(topic);
  if (data === undefined) {
    throw new Refusal(
      ResponseCode.TOPIC_NOT_EXIST,
      withDetails(`No topic route info in name server for the topic: ${topic ?? 'null'}`),
    );
  }
  const body = encodeTopicRouteData(data);
  if (request.version >= Version.V4_9_4 || acceptStandardJsonOnly === true) return success(request, { body });
  return success(request, { body: unquoteBrokerIds(body) });
}

function clusterInfo(routes: RouteTable, request: RemotingCommand): RemotingCommand {
  const broker = routes.broker;
  const payload = commands.getBrokerClusterInfo.encodeResponse({
    brokers:
      broker === undefined
        ? {}
        : {
            [broker.brokerName]: {
              cluster: broker.clusterName,
              brokerName: broker.brokerName,
              brokerAddrs: { '0': broker.brokerAddress },
            },
          },
    clusters: broker === undefined ? {} : { [broker.clusterName]: [broker.brokerName] },
  });
  return success(request, { body: unquoteBrokerIds(payload.body) });
}

/** Number keys without quotes, as a real NameServer writes them: a client that cannot read them fails here too. */
function unquoteBrokerIds(body: Buffer): Buffer {
  return Buffer.from(body.toString().replaceAll('"brokerAddrs":{"0":', '"brokerAddrs":{0:'));
}

function topicsByCluster(routes: RouteTable, request: RemotingCommand): RemotingCommand {
  const cluster = requiredText(request, 'cluster');
  const topicList = cluster === routes.broker?.clusterName ? routes.topics : [];
  return success(request, { body: jsonBody({ topicList }) });
}

function systemTopics(routes: RouteTable, request: RemotingCommand): RemotingCommand {
  const broker = routes.broker;
  if (broker === undefined) return success(request, { body: jsonBody({ topicList: [] }) });
  const topicList = [broker.clusterName, broker.brokerName];
  return success(request, { body: jsonBody({ brokerAddr: broker.brokerAddress, topicList }) });
}

function getKv(kv: KvTable, request: RemotingCommand): RemotingCommand {
  const namespace = requiredText(request, 'namespace');
  const key = requiredText(request, 'key');
  const value = kv.get(namespace, key);
  if (value === undefined) {
    return createResponse(request, ResponseCode.QUERY_NOT_FOUND, {
      remark: `No config item, Namespace: ${namespace} Key: ${key}`,
    });
  }
  return success(request, { extFields: { value } });
}

function listKv(kv: KvTable, request: RemotingCommand): RemotingCommand {
  const namespace = requiredText(request, 'namespace');
  const table = kv.list(namespace);
  if (table === undefined) {
    return createResponse(request, ResponseCode.QUERY_NOT_FOUND, {
      remark: `No config item, Namespace: ${namespace}`,
    });
  }
  return success(request, { body: jsonBody({ table }) });
}
