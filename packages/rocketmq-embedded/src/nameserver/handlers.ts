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
  optionalText,
  readingLeniently,
  Refusal,
  requiredText,
  success,
  withDetails,
  type Handlers,
} from '../server/index.ts';
import { brokerRequestHandlers } from './broker-request-handlers.ts';
import type { KvTable } from './kv-table.ts';
import type { NameServerConfig } from './name-server-config.ts';
import type { RouteTable } from './route-table.ts';

const ORDER_NAMESPACE = 'ORDER_TOPIC_CONFIG';

export interface NameServerState {
  routes: RouteTable;
  kv: KvTable;
  config: NameServerConfig;
}

/** The requests of clients, tools and brokers that a NameServer answers. */
export function nameServerHandlers(state: NameServerState): Handlers {
  const { routes, kv, config } = state;
  return readingLeniently([
    ...brokerRequestHandlers(routes, kv),
    [RequestCode.GET_ROUTEINFO_BY_TOPIC, (request) => route(state, request)],
    [RequestCode.GET_BROKER_CLUSTER_INFO, (request) => clusterInfo(routes, request)],
    [
      RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
      (request) => success(request, commands.getAllTopicList.encodeResponse({ topics: routes.topics })),
    ],
    [
      RequestCode.GET_TOPICS_BY_CLUSTER,
      (request) => {
        const { cluster } = commands.getTopicsByCluster.decodeRequest(request);
        const topics = routes.topicsOf(cluster);
        return success(request, commands.getTopicsByCluster.encodeResponse({ topics }));
      },
    ],
    [
      RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS,
      (request) =>
        success(request, commands.getSystemTopicListFromNameServer.encodeResponse(routes.systemTopics)),
    ],
    [
      RequestCode.GET_BROKER_MEMBER_GROUP,
      (request) => {
        const { clusterName, brokerName } = commands.getBrokerMemberGroup.decodeRequest(request);
        const brokerAddrs = routes.addresses(brokerName);
        const payload = commands.getBrokerMemberGroup.encodeResponse({
          cluster: clusterName,
          brokerName,
          brokerAddrs,
        });
        return success(request, { body: unquoteBrokerIds(payload.body) });
      },
    ],
    [
      RequestCode.WIPE_WRITE_PERM_OF_BROKER,
      (request) => {
        const { brokerName } = commands.wipeWritePermOfBroker.decodeRequest(request);
        const wipeTopicCount = routes.wipeWritePermission(brokerName);
        return success(request, commands.wipeWritePermOfBroker.encodeResponse({ wipeTopicCount }));
      },
    ],
    [
      RequestCode.ADD_WRITE_PERM_OF_BROKER,
      (request) => {
        const { brokerName } = commands.addWritePermOfBroker.decodeRequest(request);
        const addTopicCount = routes.addWritePermission(brokerName);
        return success(request, commands.addWritePermOfBroker.encodeResponse({ addTopicCount }));
      },
    ],
    [
      RequestCode.GET_NAMESRV_CONFIG,
      (request) => success(request, commands.getNameServerConfig.encodeResponse(config.values)),
    ],
    [
      RequestCode.UPDATE_NAMESRV_CONFIG,
      (request) => {
        config.update(commands.updateNameServerConfig.decodeRequest(request));
        return success(request);
      },
    ],
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
        const namespace = requiredText(request, 'namespace');
        const key = requiredText(request, 'key');
        const value = optionalText(request, 'value');
        // Nothing in the place of a text is no text.
        if (value === undefined) kv.delete(namespace, key);
        else kv.put(namespace, key, value);
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

function route({ routes, kv, config }: NameServerState, request: RemotingCommand): RemotingCommand {
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
  const orderTopicConf =
    config.ordersMessages && topic !== undefined ? kv.get(ORDER_NAMESPACE, topic) : undefined;
  const body = encodeTopicRouteData(orderTopicConf === undefined ? data : { ...data, orderTopicConf });
  if (request.version >= Version.V4_9_4 || acceptStandardJsonOnly === true) return success(request, { body });
  return success(request, { body: unquoteBrokerIds(body) });
}

function clusterInfo(routes: RouteTable, request: RemotingCommand): RemotingCommand {
  const payload = commands.getBrokerClusterInfo.encodeResponse(routes.cluster);
  return success(request, { body: unquoteBrokerIds(payload.body) });
}

/** Number keys without quotes, as a real NameServer writes them: a client that cannot read them fails here too. */
function unquoteBrokerIds(body: Buffer): Buffer {
  const text = body
    .toString()
    .replace(/"(?:brokerAddrs|currIdMap)":\{[^{}]*\}/g, (table) => table.replace(/([{,])"(\d+)":/g, '$1$2:'));
  return Buffer.from(text);
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
