import { commands, RequestCode, type RemotingCommand } from '@dt/rocketmq-protocol';
import { success, type RequestHandler } from '../server/index.ts';
import type { BrokerContext } from './context.ts';

/** Entries of one answer: a real broker gives as many as are asked for. */
const MAX_ENTRIES = 65_536;

/** The store as tools look at it and tidy it. */
export function housekeepingHandlers(broker: BrokerContext): [number, RequestHandler][] {
  const { store } = broker;
  const tidy: RequestHandler = (request) => {
    store.removeExpired();
    return success(request);
  };
  return [
    // Queues of deleted topics, and the index of removed files, go with them: nothing is left to do for 306 and 316.
    [RequestCode.CLEAN_UNUSED_TOPIC, (request) => success(request)],
    [RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE, (request) => success(request)],
    [RequestCode.DELETE_EXPIRED_COMMITLOG, tidy],
    [RequestCode.QUERY_CONSUME_QUEUE, (request) => consumeQueue(broker, request)],
  ];
}

async function consumeQueue(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const { topic, queueId, index, count, consumerGroup } = commands.queryConsumeQueue.decodeRequest(request);
  const queue = broker.store.queue(topic, queueId);
  // A real broker makes the queue that is asked for; its index is empty then.
  const entries =
    queue !== undefined && index >= queue.minOffset && index < queue.maxOffset
      ? await broker.store.indexEntries(queue, index, Math.max(0, Math.min(count, MAX_ENTRIES)))
      : undefined;
  if (queue === undefined || entries === undefined) {
    const answer = success(request, commands.queryConsumeQueue.encodeResponse(undefined));
    answer.remark = `Index ${index} of ${queueId}@${topic} is not exist!`;
    return answer;
  }
  const subscription =
    consumerGroup === undefined
      ? undefined
      : broker.clients.consumerGroup(consumerGroup)?.subscriptions.get(topic);
  const filterData =
    consumerGroup === undefined
      ? undefined
      : subscription === undefined
        ? `${consumerGroup}@${topic} is not online!`
        : 'null';
  const payload = commands.queryConsumeQueue.encodeResponse({
    entries,
    minOffset: queue.minOffset,
    maxOffset: queue.maxOffset,
    ...(subscription && { subscription }),
    ...(filterData !== undefined && { filterData }),
  });
  return success(request, payload);
}
