import { commands, RequestCode, ResponseCode, type RemotingCommand } from '@dt/rocketmq-protocol';
import { Refusal, success, type Connection, type RequestHandler } from '../server/index.ts';
import type { KvTable } from './kv-table.ts';
import type { RouteTable } from './route-table.ts';

/** A broker that is silent for so long is gone, unless it names a time of its own. */
const SILENCE_MS = 120_000;
const ORDER_NAMESPACE = 'ORDER_TOPIC_CONFIG';

/** What brokers tell and ask: those of other processes, the one of this process has no need to. */
export function brokerRequestHandlers(routes: RouteTable, kv: KvTable): [number, RequestHandler][] {
  return [
    [RequestCode.REGISTER_BROKER, (request, connection) => register(routes, kv, request, connection)],
    [
      RequestCode.UNREGISTER_BROKER,
      (request) => {
        const { brokerName, brokerAddr } = commands.unregisterBroker.decodeRequest(request);
        routes.unregister(brokerName, brokerAddr);
        return success(request);
      },
    ],
    [
      RequestCode.BROKER_HEARTBEAT,
      (request) => {
        routes.touch(commands.brokerHeartbeat.decodeRequest(request).brokerAddr);
        return success(request);
      },
    ],
    [RequestCode.QUERY_DATA_VERSION, (request) => queryDataVersion(routes, request)],
    [
      RequestCode.REGISTER_TOPIC_IN_NAMESRV,
      (request) => {
        const { topic, route } = commands.registerTopicInNameServer.decodeRequest(request);
        if (topic !== '') routes.registerTopic(topic, route.queueDatas);
        return success(request);
      },
    ],
  ];
}

function register(
  routes: RouteTable,
  kv: KvTable,
  request: RemotingCommand,
  connection: Connection,
): RemotingCommand {
  const header = commands.registerBroker.decodeRequest(request);
  const taken = routes.register(
    {
      clusterName: header.clusterName,
      brokerName: header.brokerName,
      brokerAddress: header.brokerAddr,
      brokerId: header.brokerId,
      haServerAddress: header.haServerAddr,
      enableActingMaster: header.enableActingMaster ?? false,
      zoneName: header.zoneName,
      dataVersion: header.dataVersion,
      topics: header.topics,
      queueMappings: header.queueMappings,
    },
    { connection, timeoutMs: header.heartbeatTimeoutMillis ?? SILENCE_MS },
  );
  if (!taken) throw new Refusal(ResponseCode.SYSTEM_ERROR, 'register broker failed');
  const master = header.brokerId === 0 ? undefined : routes.masterOf(header.brokerName);
  return success(
    request,
    commands.registerBroker.encodeResponse({
      ...(master && { haServerAddr: master.haServerAddress, masterAddr: master.brokerAddress }),
      orderTopics: kv.list(ORDER_NAMESPACE) ?? {},
    }),
  );
}

function queryDataVersion(routes: RouteTable, request: RemotingCommand): RemotingCommand {
  const { clusterName, brokerAddr, dataVersion } = commands.queryDataVersion.decodeRequest(request);
  const known = routes.dataVersion(clusterName, brokerAddr);
  routes.touch(brokerAddr);
  const changed =
    known === undefined ||
    known.counter !== dataVersion.counter ||
    known.stateVersion !== dataVersion.stateVersion ||
    known.timestamp !== dataVersion.timestamp;
  const answer = { changed, ...(known && { dataVersion: known }) };
  return success(request, commands.queryDataVersion.encodeResponse(answer));
}
