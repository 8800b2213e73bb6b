import {
  commands,
  RequestCode,
  ResponseCode,
  topicConfigOf,
  type MessageQueue,
  type RemotingCommand,
  type TopicConfig,
} from '@dt/rocketmq-protocol';
import {
  jsonBody,
  Refusal,
  requiredText,
  success,
  withObjectKeys,
  type RequestHandler,
} from '../server/index.ts';
import type { BrokerContext } from './context.ts';
import { popRetryTopics } from './pop/index.ts';
import { checkTopicName } from './send-handlers.ts';
import { changedAttributes, parseAttributeChanges } from './topic-attributes.ts';

/** What tools ask and change about topics. */
export function topicHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [RequestCode.UPDATE_AND_CREATE_TOPIC, (request) => updateTopic(broker, request)],
    [RequestCode.UPDATE_AND_CREATE_TOPIC_LIST, (request) => updateTopics(broker, request)],
    [RequestCode.DELETE_TOPIC_IN_BROKER, (request) => deleteTopic(broker, request)],
    [RequestCode.GET_TOPIC_CONFIG, (request) => topicConfig(broker, request)],
    [
      RequestCode.GET_ALL_TOPIC_CONFIG,
      (request) =>
        success(request, {
          body: jsonBody({
            ...broker.topics.toJson(),
            mappingDataVersion: { counter: 0, stateVersion: 0, timestamp: 0 },
            topicQueueMappingDetailMap: {},
            topicQueueMappingInfoMap: {},
          }),
        }),
    ],
    [RequestCode.GET_TOPIC_STATS_INFO, (request) => topicStats(broker, request)],
    [
      RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
      (request) => success(request, { body: jsonBody({ topicList: broker.topics.reservedNames }) }),
    ],
    [
      RequestCode.QUERY_TOPIC_CONSUME_BY_WHO,
      (request) => {
        const topic = requiredText(request, 'topic');
        const groups = new Set([
          ...broker.clients.groupsSubscribedTo(topic),
          ...broker.offsets.groupsOf(topic),
        ]);
        return success(request, { body: jsonBody({ groupList: [...groups] }) });
      },
    ],
  ];
}

const FILTER_TYPES: ReadonlySet<string> = new Set(['SINGLE_TAG', 'MULTI_TAG']);

/** More queues than this help nobody, and their statistics alone would use up the memory. */
const MAX_QUEUES = 65_536;

/** Refuses a number of queues that is none. */
export function checkQueueCount(field: string, count: number): void {
  if (count >= 0 && count <= MAX_QUEUES) return;
  throw new Refusal(
    ResponseCode.SYSTEM_ERROR,
    `${field} ${count} is illegal, allowed are 0 to ${MAX_QUEUES}`,
  );
}

function refuseReserved(broker: BrokerContext, topic: string): void {
  if (!broker.topics.isReserved(topic)) return;
  throw new Refusal(ResponseCode.SYSTEM_ERROR, `The topic[${topic}] is conflict with system topic.`);
}

function updateTopic(broker: BrokerContext, request: RemotingCommand): RemotingCommand {
  const header = commands.updateAndCreateTopic.decodeRequest(request);
  const change = topicConfigOf(header.topic, {
    readQueueNums: header.readQueueNums,
    writeQueueNums: header.writeQueueNums,
    perm: header.perm,
    topicFilterType: header.topicFilterType,
    topicSysFlag: header.topicSysFlag ?? 0,
    order: header.order,
    attributes: {},
  });
  checkTopic(broker, change);
  putTopic(broker, { ...change, attributes: { ...parseAttributeChanges(header.attributes) } });
  return success(request);
}

/** All topics, or none of them. */
function updateTopics(broker: BrokerContext, request: RemotingCommand): RemotingCommand {
  const { topics } = commands.updateAndCreateTopicList.decodeRequest(request);
  for (const topic of topics) checkTopic(broker, topic);
  for (const topic of topics) putTopic(broker, topic);
  return success(request);
}

function checkTopic(broker: BrokerContext, topic: TopicConfig): void {
  checkTopicName(topic.topicName);
  refuseReserved(broker, topic.topicName);
  checkQueueCount('readQueueNums', topic.readQueueNums);
  checkQueueCount('writeQueueNums', topic.writeQueueNums);
  if (!FILTER_TYPES.has(topic.topicFilterType))
    throw new Refusal(
      ResponseCode.SYSTEM_ERROR,
      `topicFilterType = [${topic.topicFilterType}] value invalid`,
    );
}

/** `attributes` holds what to change of them. */
function putTopic(broker: BrokerContext, change: TopicConfig): void {
  const current = broker.topics.get(change.topicName)?.attributes;
  broker.topics.put({ ...change, attributes: changedAttributes(current, change.attributes) });
  broker.held.wake(change.topicName);
  broker.pop.held.wakeAll(change.topicName);
}

function deleteTopic(broker: BrokerContext, request: RemotingCommand): RemotingCommand {
  const { topic } = commands.deleteTopicInBroker.decodeRequest(request);
  if (topic.trim() === '') throw new Refusal(ResponseCode.SYSTEM_ERROR, 'The specified topic is blank.');
  refuseReserved(broker, topic);
  // What waits to come again goes with its topic.
  for (const name of [topic, ...popRetryTopics(topic, broker.offsets.groupsOf(topic))]) {
    broker.topics.delete(name);
    broker.offsets.deleteTopic(name);
    broker.store.deleteTopic(name);
    broker.held.wake(name);
    broker.pop.topicDeleted(name);
    broker.stats.traffic.forgetTopic(name);
    broker.timers.counts.forget(name);
  }
  return success(request);
}

function topicConfig(broker: BrokerContext, request: RemotingCommand): RemotingCommand {
  const { topic } = commands.getTopicConfig.decodeRequest(request);
  const config = broker.topics.get(topic);
  if (config === undefined)
    throw new Refusal(ResponseCode.TOPIC_NOT_EXIST, `No topic in this broker. topic: ${topic}`);
  return success(request, commands.getTopicConfig.encodeResponse(config));
}

async function topicStats(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const { topic } = commands.getTopicStatsInfo.decodeRequest(request);
  const config = broker.topics.get(topic);
  if (config === undefined) throw new Refusal(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
  const count = Math.max(config.readQueueNums, config.writeQueueNums);
  const queues = await Promise.all(
    Array.from({ length: count }, async (_, queueId) => {
      const queue: MessageQueue = { topic, brokerName: broker.settings.brokerName, queueId };
      const stored = broker.store.queue(topic, queueId);
      if (stored === undefined) return { queue, minOffset: 0, maxOffset: 0, lastUpdateTimestamp: 0 };
      const { minOffset, maxOffset } = stored;
      const lastUpdateTimestamp = (await broker.store.storeTimestampAt(stored, maxOffset - 1)) ?? 0;
      return { queue, minOffset, maxOffset, lastUpdateTimestamp };
    }),
  );
  return success(request, {
    body: withObjectKeys(commands.getTopicStatsInfo.encodeResponse({ queues }).body),
  });
}
