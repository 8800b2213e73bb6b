import {
  commands,
  createRequest,
  createResponse,
  RequestCode,
  ResponseCode,
  retryTopic,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import { Refusal, success, type Connection, type RequestHandler } from '../server/index.ts';
import type { BrokerContext } from './context.ts';
import { isTagType } from './filters.ts';

const UNIT_SUBSCRIPTION_TOPIC = 2;

/** Heartbeats, membership, queue locks: what keeps a group together. */
export function clientHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [RequestCode.HEART_BEAT, (request, connection) => heartBeat(broker, request, connection)],
    [RequestCode.UNREGISTER_CLIENT, (request, connection) => unregister(broker, request, connection)],
    [RequestCode.GET_CONSUMER_LIST_BY_GROUP, (request) => members(broker, request)],
    [RequestCode.CHECK_CLIENT_CONFIG, (request) => checkClientConfig(broker, request)],
    [
      RequestCode.LOCK_BATCH_MQ,
      (request) => {
        const { consumerGroup, clientId, queues } = commands.lockQueues.decodeRequest(request);
        const lockedQueues = broker.locks.lock(consumerGroup, clientId, queues);
        return success(request, commands.lockQueues.encodeResponse({ lockedQueues }));
      },
    ],
    [
      RequestCode.UNLOCK_BATCH_MQ,
      (request) => {
        const { consumerGroup, clientId, queues } = commands.unlockQueues.decodeRequest(request);
        broker.locks.unlock(consumerGroup, clientId, queues);
        return success(request);
      },
    ],
  ];
}

/** Tells the members of a group to share its queues anew. */
export function notifyMembers(group: string, connections: readonly Connection[]): void {
  const payload = commands.notifyConsumerIdsChanged.encodeRequest({ consumerGroup: group });
  for (const connection of connections) {
    connection.send(
      createRequest(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, payload, {
        opaque: connection.takeOpaque(),
        oneway: true,
      }),
    );
  }
}

function heartBeat(broker: BrokerContext, request: RemotingCommand, connection: Connection): RemotingCommand {
  const heartbeat = commands.heartBeat.decodeRequest(request);
  const client = {
    clientId: heartbeat.clientId,
    language: request.language,
    version: request.version,
    lastUpdate: Date.now(),
  };
  for (const consumer of heartbeat.consumers) {
    const group = broker.groups.findOrCreate(consumer.groupName);
    if (group === undefined) continue;
    const sysFlag = consumer.unitMode ? UNIT_SUBSCRIPTION_TOPIC : 0;
    broker.topics.createForGroup(retryTopic(consumer.groupName), group.retryQueueNums, sysFlag);
    broker.clients.registerConsumer(connection, client, consumer, group.notifyConsumerIdsChangedEnable);
  }
  for (const group of heartbeat.producerGroups) broker.clients.registerProducer(group, connection, client);
  // Without IS_SUPPORT_HEART_BEAT_V2 clients keep to full heartbeats.
  return success(request, { extFields: { IS_SUB_CHANGE: 'true' } });
}

function unregister(
  broker: BrokerContext,
  request: RemotingCommand,
  connection: Connection,
): RemotingCommand {
  const { producerGroup, consumerGroup } = commands.unregisterClient.decodeRequest(request);
  if (producerGroup !== undefined) broker.clients.unregisterProducer(producerGroup, connection);
  if (consumerGroup !== undefined) {
    const notify = broker.groups.get(consumerGroup)?.notifyConsumerIdsChangedEnable ?? true;
    broker.clients.unregisterConsumer(consumerGroup, connection, notify);
  }
  return success(request);
}

function members(broker: BrokerContext, request: RemotingCommand): RemotingCommand {
  const { consumerGroup } = commands.getConsumerListByGroup.decodeRequest(request);
  const group = broker.clients.consumerGroup(consumerGroup);
  if (group === undefined) {
    return createResponse(request, ResponseCode.SYSTEM_ERROR, {
      remark: `no consumer for this group, ${consumerGroup}`,
    });
  }
  const clientIds = [...group.clients.values()].map((client) => client.clientId);
  return success(request, commands.getConsumerListByGroup.encodeResponse({ clientIds }));
}

/** A client asks this before it subscribes by anything but tags. */
function checkClientConfig(broker: BrokerContext, request: RemotingCommand): RemotingCommand {
  const { subscription } = commands.checkClientConfig.decodeRequest(request);
  if (subscription === undefined || isTagType(subscription.expressionType)) return success(request);
  broker.filters.refuseWhenOff(subscription.expressionType);
  const filter = broker.filters.get(subscription);
  if (typeof filter === 'string') throw new Refusal(ResponseCode.SUBSCRIPTION_PARSE_FAILED, filter);
  return success(request);
}
