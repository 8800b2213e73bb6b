import {
  commands,
  RequestCode,
  ResponseCode,
  subscriptionGroupConfigToJson,
  type ClientConnection,
  type MessageQueue,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import {
  jsonBody,
  optionalBoolean,
  Refusal,
  requiredText,
  success,
  withObjectKeys,
  type Connection,
  type RequestHandler,
} from '../server/index.ts';
import type { ClientInfo } from './client-registry.ts';
import type { BrokerContext } from './context.ts';
import { checkQueueCount } from './topic-handlers.ts';

/** What tools ask and change about consumer and producer groups. */
export function groupHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [
      RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
      (request) => {
        const group = commands.updateAndCreateSubscriptionGroup.decodeRequest(request);
        checkQueueCount('retryQueueNums', group.retryQueueNums);
        broker.groups.put(group);
        return success(request);
      },
    ],
    [
      RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
      (request) => success(request, { body: jsonBody(broker.groups.toJson()) }),
    ],
    [
      RequestCode.DELETE_SUBSCRIPTIONGROUP,
      (request) => {
        const group = requiredText(request, 'groupName');
        broker.groups.delete(group);
        broker.stats.traffic.forgetGroup(group);
        if (optionalBoolean(request, 'cleanOffset') === true) broker.offsets.deleteGroup(group);
        return success(request);
      },
    ],
    [
      RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG,
      (request) => {
        const group = broker.groups.get(requiredText(request, 'group'));
        if (group === undefined) throw new Refusal(ResponseCode.SYSTEM_ERROR, 'No group in this broker');
        return success(request, { body: jsonBody(subscriptionGroupConfigToJson(group)) });
      },
    ],
    [RequestCode.GET_CONSUME_STATS, (request) => consumeStats(broker, request)],
    [RequestCode.GET_CONSUMER_CONNECTION_LIST, (request) => consumerConnections(broker, request)],
    [RequestCode.GET_PRODUCER_CONNECTION_LIST, (request) => producerConnections(broker, request)],
  ];
}

async function consumeStats(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const { consumerGroup, topic } = commands.getConsumeStats.decodeRequest(request);
  const topics =
    topic === undefined || topic.trim() === '' ? broker.offsets.topicsOf(consumerGroup) : [topic];
  const online = broker.clients.consumerGroup(consumerGroup);
  const queues: Parameters<typeof commands.getConsumeStats.encodeResponse>[0]['queues'] = [];
  for (const name of topics) {
    const config = broker.topics.get(name);
    if (config === undefined) continue;
    // An offset of a topic the group has left is not shown while the group is online.
    if (online !== undefined && online.subscriptions.size > 0 && !online.subscriptions.has(name)) continue;
    for (let queueId = 0; queueId < config.readQueueNums; queueId++) {
      const queue: MessageQueue = { topic: name, brokerName: broker.settings.brokerName, queueId };
      const consumerOffset = broker.offsets.query(consumerGroup, name, queueId) ?? 0;
      const stored = broker.store.queue(name, queueId);
      const last =
        stored === undefined ? undefined : await broker.store.storeTimestampAt(stored, consumerOffset - 1);
      queues.push({
        queue,
        brokerOffset: stored?.maxOffset ?? 0,
        consumerOffset,
        pullOffset: Math.max(consumerOffset, broker.offsets.pulled(consumerGroup, name, queueId) ?? 0),
        lastTimestamp: last ?? 0,
      });
    }
  }
  const { body } = commands.getConsumeStats.encodeResponse({ consumeTps: 0, queues });
  return success(request, { body: withObjectKeys(body) });
}

function connectionsOf(clients: ReadonlyMap<Connection, ClientInfo>): ClientConnection[] {
  return [...clients].map(([connection, { clientId, language, version }]) => ({
    clientAddr: connection.remoteAddress,
    clientId,
    language,
    version,
  }));
}

function consumerConnections(broker: BrokerContext, request: RemotingCommand): RemotingCommand {
  const { consumerGroup } = commands.getConsumerConnectionList.decodeRequest(request);
  const group = broker.clients.consumerGroup(consumerGroup);
  if (group === undefined) {
    throw new Refusal(ResponseCode.CONSUMER_NOT_ONLINE, `the consumer group[${consumerGroup}] not online`);
  }
  const payload = commands.getConsumerConnectionList.encodeResponse({
    connections: connectionsOf(group.clients),
    consumeType: group.consumeType,
    messageModel: group.messageModel,
    consumeFromWhere: group.consumeFromWhere,
    subscriptions: [...group.subscriptions.values()],
  });
  return success(request, payload);
}

function producerConnections(broker: BrokerContext, request: RemotingCommand): RemotingCommand {
  const name = requiredText(request, 'producerGroup');
  const clients = broker.clients.producerGroup(name);
  if (clients === undefined)
    throw new Refusal(ResponseCode.SYSTEM_ERROR, `the producer group[${name}] not exist`);
  return success(request, { body: jsonBody({ connectionSet: connectionsOf(clients) }) });
}
