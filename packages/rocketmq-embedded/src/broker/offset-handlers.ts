import {
  commands,
  createResponse,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import { requiredInt32, requiredText, success, type RequestHandler } from '../server/index.ts';
import type { BrokerContext } from './context.ts';

/** Offsets of groups and of queues. */
export function offsetHandlers(broker: BrokerContext): [number, RequestHandler][] {
  const { store } = broker;
  return [
    [RequestCode.QUERY_CONSUMER_OFFSET, (request) => query(broker, request)],
    [RequestCode.UPDATE_CONSUMER_OFFSET, (request) => update(broker, request)],
    [
      RequestCode.GET_MAX_OFFSET,
      (request) => {
        const { topic, queueId } = commands.getMaxOffset.decodeRequest(request);
        return success(
          request,
          commands.getMaxOffset.encodeResponse({ offset: store.maxOffset(topic, queueId) }),
        );
      },
    ],
    [
      RequestCode.GET_MIN_OFFSET,
      (request) => {
        const { topic, queueId } = commands.getMinOffset.decodeRequest(request);
        return success(
          request,
          commands.getMinOffset.encodeResponse({ offset: store.minOffset(topic, queueId) }),
        );
      },
    ],
    [
      RequestCode.SEARCH_OFFSET_BY_TIMESTAMP,
      async (request) => {
        const { topic, queueId, timestamp, boundaryType } =
          commands.searchOffsetByTimestamp.decodeRequest(request);
        const boundary = boundaryType?.toUpperCase() === 'UPPER' ? 'UPPER' : 'LOWER';
        const offset = await store.offsetByTimestamp(topic, queueId, timestamp, boundary);
        return success(request, commands.searchOffsetByTimestamp.encodeResponse({ offset }));
      },
    ],
    [
      RequestCode.GET_EARLIEST_MSG_STORETIME,
      async (request) => {
        const queue = store.queue(requiredText(request, 'topic'), requiredInt32(request, 'queueId'));
        const timestamp =
          queue === undefined ? undefined : await store.storeTimestampAt(queue, queue.minOffset);
        return success(request, { extFields: { timestamp: String(timestamp ?? -1) } });
      },
    ],
  ];
}

function query(broker: BrokerContext, request: RemotingCommand): RemotingCommand {
  const { consumerGroup, topic, queueId, setZeroIfNotFound } =
    commands.queryConsumerOffset.decodeRequest(request);
  const offset = broker.offsets.query(consumerGroup, topic, queueId);
  if (offset !== undefined) return success(request, commands.queryConsumerOffset.encodeResponse({ offset }));
  if (setZeroIfNotFound === false) {
    return createResponse(request, ResponseCode.QUERY_NOT_FOUND, {
      remark: 'Not found, do not set to zero, maybe this group boot first',
    });
  }
  // On a young queue a new group starts at the beginning, wherever it says it wants to start.
  if (broker.store.minOffset(topic, queueId) === 0 && broker.store.maxOffset(topic, queueId) > 0) {
    return success(request, commands.queryConsumerOffset.encodeResponse({ offset: 0 }));
  }
  return createResponse(request, ResponseCode.QUERY_NOT_FOUND, {
    remark: 'Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first',
  });
}

function update(broker: BrokerContext, request: RemotingCommand): RemotingCommand {
  const { consumerGroup, topic, queueId, commitOffset } =
    commands.updateConsumerOffset.decodeRequest(request);
  if (!broker.groups.has(consumerGroup)) {
    return createResponse(request, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, {
      remark: `Group ${consumerGroup} not exist!`,
    });
  }
  if (!broker.topics.has(topic)) {
    return createResponse(request, ResponseCode.TOPIC_NOT_EXIST, { remark: `Topic ${topic} not exist!` });
  }
  if (broker.offsets.hasReset(consumerGroup, topic, queueId)) {
    return createResponse(request, ResponseCode.SUCCESS, { remark: 'Offset has been previously reset' });
  }
  broker.offsets.commit(consumerGroup, topic, queueId, commitOffset);
  return success(request);
}
