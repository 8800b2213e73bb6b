import {
  commands,
  RequestCode,
  ResponseCode,
  subscriptionToJson,
  type MessageQueue,
  type RemotingCommand,
  type TopicConfig,
} from '@dt/rocketmq-protocol';
import {
  jsonBody,
  optionalText,
  Refusal,
  requiredText,
  success,
  withObjectKeys,
  type RequestHandler,
} from '../server/index.ts';
import type { BrokerContext } from './context.ts';

/** How far groups are, and what they consume: for tools. */
export function groupProgressHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [RequestCode.QUERY_CONSUME_TIME_SPAN, (request) => timeSpan(broker, request)],
    [RequestCode.GET_BROKER_CONSUME_STATS, (request) => brokerConsumeStats(broker, request)],
    [
      RequestCode.QUERY_TOPICS_BY_CONSUMER,
      (request) => {
        const { group } = commands.queryTopicsByConsumer.decodeRequest(request);
        const { advertisedIp, brokerPort } = broker.settings;
        const answer = {
          topics: [...new Set(broker.offsets.topicsOf(group))],
          brokerAddr: `${advertisedIp}:${brokerPort}`,
        };
        return success(request, commands.queryTopicsByConsumer.encodeResponse(answer));
      },
    ],
    [
      RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER,
      (request) => {
        const group = requiredText(request, 'group');
        const topic = optionalText(request, 'topic');
        const subscription =
          topic === undefined ? undefined : broker.clients.consumerGroup(group)?.subscriptions.get(topic);
        const subscriptionData = subscription && subscriptionToJson(subscription);
        return success(request, { body: jsonBody({ group, subscriptionData, topic }) });
      },
    ],
    [
      RequestCode.CLONE_GROUP_OFFSET,
      (request) => {
        cloneOffsets(broker, commands.cloneGroupOffset.decodeRequest(request));
        return success(request);
      },
    ],
    [
      RequestCode.GET_ALL_CONSUMER_OFFSET,
      (request) => {
        const entries = broker.offsets.all();
        const { body } = commands.getAllConsumerOffset.encodeResponse({ entries });
        return success(request, { body: withNumberKeys(body) });
      },
    ],
    [
      RequestCode.GET_ALL_DELAY_OFFSET,
      (request) => {
        const delivered: Record<string, number> = {};
        for (let level = 1; level <= broker.delays.maxLevel; level++) {
          const progress = broker.delays.progress(level);
          if (progress.stored > 0) delivered[level] = progress.delivered;
        }
        const { body } = commands.getAllDelayOffset.encodeResponse({ delivered });
        return success(request, { body: withNumberKeys(body) });
      },
    ],
    [
      RequestCode.GET_ALL_PRODUCER_INFO,
      (request) => {
        const data = Object.fromEntries(
          broker.clients.producerGroups().map(([group, clients]) => [
            group,
            [...clients].map(([connection, client]) => ({
              clientId: client.clientId,
              language: client.language,
              lastUpdateTimestamp: client.lastUpdate,
              remoteIP: connection.remoteAddress,
              version: client.version,
            })),
          ]),
        );
        return success(request, { body: jsonBody({ data }) });
      },
    ],
  ];
}

/** Queue ids and delay levels as a real broker writes them, without quotes. */
function withNumberKeys(body: Buffer): Buffer {
  return Buffer.from(body.toString().replace(/([{,])"(\d+)":/g, '$1$2:'));
}

/** Whether an offset of this topic counts: not when the group is online and has left the topic. */
function isConsumed(broker: BrokerContext, group: string, topic: string): boolean {
  const online = broker.clients.consumerGroup(group);
  return online === undefined || online.subscriptions.size === 0 || online.subscriptions.has(topic);
}

async function timeSpan(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const { topic, group } = commands.queryConsumeTimeSpan.decodeRequest(request);
  const config = broker.topics.get(topic);
  if (config === undefined) throw new Refusal(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
  const { store } = broker;
  const queues = await Promise.all(
    Array.from({ length: config.writeQueueNums }, async (_, queueId): Promise<commands.QueueTimeSpan> => {
      const queue: MessageQueue = { topic, brokerName: broker.settings.brokerName, queueId };
      const stored = store.queue(topic, queueId);
      if (stored === undefined)
        return { queue, minTimestamp: -1, maxTimestamp: -1, consumeTimestamp: -1, delayMs: 0 };
      const timeOf = async (offset: number): Promise<number> =>
        (await store.storeTimestampAt(stored, offset)) ?? -1;
      const consumed = broker.offsets.query(group, topic, queueId) ?? -1;
      const minTimestamp = await timeOf(stored.minOffset);
      return {
        queue,
        minTimestamp,
        maxTimestamp: await timeOf(stored.maxOffset - 1),
        consumeTimestamp: consumed > 0 ? await timeOf(consumed - 1) : minTimestamp,
        // Of a group without an offset a real broker asks for message -1, and takes its time for -1.
        delayMs: consumed < stored.maxOffset ? Date.now() - (await timeOf(consumed)) : 0,
      };
    }),
  );
  return success(request, commands.queryConsumeTimeSpan.encodeResponse({ queues }));
}

async function brokerConsumeStats(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const { isOrder } = commands.getBrokerConsumeStats.decodeRequest(request);
  const { advertisedIp, brokerPort } = broker.settings;
  const stats: commands.BrokerConsumeStats = {
    brokerAddr: `${advertisedIp}:${brokerPort}`,
    groups: [],
    totalDiff: 0,
    totalInflightDiff: 0,
  };
  for (const group of broker.groups.names()) {
    const topics: commands.ConsumeStats[] = [];
    for (const topic of broker.offsets.topicsOf(group)) {
      const config = broker.topics.get(topic);
      if (config === undefined || (isOrder && !config.order) || !isConsumed(broker, group, topic)) continue;
      topics.push(await topicProgress(broker, group, config));
    }
    for (const { brokerOffset, consumerOffset } of topics.flatMap(({ queues }) => queues))
      stats.totalDiff += brokerOffset - consumerOffset;
    stats.groups.push({ group, topics });
  }
  const { body } = commands.getBrokerConsumeStats.encodeResponse(stats);
  return success(request, { body: withObjectKeys(body) });
}

async function topicProgress(
  broker: BrokerContext,
  group: string,
  { topicName: topic, writeQueueNums }: TopicConfig,
): Promise<commands.ConsumeStats> {
  const queues = await Promise.all(
    Array.from({ length: writeQueueNums }, async (_, queueId) => {
      const consumerOffset = broker.offsets.query(group, topic, queueId) ?? 0;
      const stored = broker.store.queue(topic, queueId);
      return {
        queue: { topic, brokerName: broker.settings.brokerName, queueId },
        brokerOffset: stored?.maxOffset ?? 0,
        consumerOffset,
        // Not counted here, by a real broker neither.
        pullOffset: 0,
        lastTimestamp: (stored && (await broker.store.storeTimestampAt(stored, consumerOffset - 1))) ?? 0,
      };
    }),
  );
  return { consumeTps: 0, queues };
}

function cloneOffsets(broker: BrokerContext, request: commands.CloneGroupOffsetRequest): void {
  const { srcGroup, destGroup, topic, offline = false } = request;
  if (destGroup === '') return;
  const topics = topic === undefined || topic.trim() === '' ? broker.offsets.topicsOf(srcGroup) : [topic];
  for (const name of topics) {
    if (!broker.topics.has(name)) continue;
    if (offline || isConsumed(broker, srcGroup, name)) broker.offsets.clone(srcGroup, destGroup, name);
  }
}
