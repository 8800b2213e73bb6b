import {
  type BrokerData,
  compareMessageQueues,
  isReadable,
  isWritable,
  MASTER_ID,
  type MessageQueue,
  type QueueData,
  type TopicRouteData,
} from '@dt/rocketmq-protocol';
import { RocketMQError } from '../errors.ts';

/** Of one topic, on all its brokers. */
const MAX_QUEUES = 65_536;

/** Where a topic lives, ready for use. Never changed: a new look-up makes a new one. */
export interface TopicRoute {
  readonly topic: string;
  /** Queues that take messages, in the order of RocketMQ's clients; only of brokers that have a master. */
  readonly writableQueues: readonly MessageQueue[];
  /** Queues that give messages, sorted. */
  readonly readableQueues: readonly MessageQueue[];
  /** By broker name. */
  readonly brokers: ReadonlyMap<string, BrokerData>;
}

export function topicRouteOf(topic: string, data: TopicRouteData): TopicRoute {
  const brokers = new Map(data.brokerDatas.map((broker) => [broker.brokerName, broker]));
  return {
    topic,
    writableQueues: writableQueues(topic, data, brokers),
    readableQueues: queuesOf(
      topic,
      data.queueDatas
        .filter((queue) => isReadable(queue.perm))
        .map(({ brokerName, readQueueNums }) => [brokerName, readQueueNums]),
    ).sort(compareMessageQueues),
    brokers,
  };
}

/** The route of a topic that does not exist yet: the broker will make it after the template's image. */
export function routeFromTemplate(topic: string, template: TopicRouteData, queueNums: number): TopicRoute {
  const queueDatas = template.queueDatas.map((queue) => {
    const count = Math.min(queueNums, queue.readQueueNums);
    return { ...queue, readQueueNums: count, writeQueueNums: count };
  });
  return topicRouteOf(topic, { ...template, queueDatas });
}

export function masterAddress(route: TopicRoute, brokerName: string): string | undefined {
  return route.brokers.get(brokerName)?.brokerAddrs[MASTER_ID];
}

/** The master, or a slave while there is none: slaves answer consumers, but take no messages. */
export function consumerAddress(route: TopicRoute, brokerName: string): string | undefined {
  return (
    masterAddress(route, brokerName) ?? Object.values(route.brokers.get(brokerName)?.brokerAddrs ?? {})[0]
  );
}

/** Whether two look-ups mean the same queues at the same addresses. */
export function sameRoute(a: TopicRoute, b: TopicRoute): boolean {
  const shape = (route: TopicRoute): string =>
    JSON.stringify([route.writableQueues, route.readableQueues, [...route.brokers].sort()]);
  return shape(a) === shape(b);
}

function writableQueues(
  topic: string,
  data: TopicRouteData,
  brokers: ReadonlyMap<string, BrokerData>,
): readonly MessageQueue[] {
  if (data.orderTopicConf !== undefined && data.orderTopicConf !== '')
    return orderedQueues(topic, data.orderTopicConf);
  return queuesOf(
    topic,
    data.queueDatas
      .filter((queue: QueueData) => isWritable(queue.perm))
      .filter((queue) => brokers.get(queue.brokerName)?.brokerAddrs[MASTER_ID] !== undefined)
      .map(({ brokerName, writeQueueNums }) => [brokerName, writeQueueNums]),
  ).sort(compareMessageQueues);
}

/** `broker-a:4;broker-b:4`: exactly these queues, in this order, whether their broker is there or not. */
function orderedQueues(topic: string, conf: string): MessageQueue[] {
  const counts = conf.split(';').map((entry): [string, number] => {
    const [brokerName = '', count = ''] = entry.split(':');
    return [brokerName, brokerName === '' ? 0 : Number.parseInt(count, 10) || 0];
  });
  return queuesOf(topic, counts);
}

/** Counted before they are made: a wrong answer must not take all memory. */
function queuesOf(
  topic: string,
  counts: readonly (readonly [brokerName: string, count: number])[],
): MessageQueue[] {
  const all = counts.reduce((sum, [, count]) => sum + Math.max(0, count), 0);
  if (all > MAX_QUEUES) {
    throw new RocketMQError('bad-answer', `topic ${topic} with ${all} queues, allowed are ${MAX_QUEUES}`);
  }
  return counts.flatMap(([brokerName, count]) =>
    Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId })),
  );
}
