import {
  type commands,
  CURRENT_VERSION,
  type MessageQueue,
  type SubscriptionData,
  versionName,
} from '@dt/rocketmq-protocol';
import type { CheckedConsumerOptions } from './options.ts';

export interface RunningInfoParts {
  options: CheckedConsumerOptions;
  nameServers: readonly string[];
  startedAt: number;
  subscriptions: readonly SubscriptionData[];
  topics: readonly commands.TopicConsumeStatus[];
  queues: readonly { info: commands.RunningQueue; activity: string }[];
}

/** What a consumer tells an admin of itself, with the names that Java's consumers use. */
export function runningInfo(parts: RunningInfoParts, withStack: boolean): commands.ConsumerRunningInfo {
  const { options, nameServers, startedAt, subscriptions, topics, queues } = parts;
  return {
    properties: {
      PROP_NAMESERVER_ADDR: nameServers.map((address) => `${address};`).join(''),
      PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
      PROP_CLIENT_VERSION: versionName(CURRENT_VERSION),
      PROP_THREADPOOL_CORE_SIZE: String(options.concurrency),
      PROP_CONSUMEORDERLY: String(options.queueLocks),
      PROP_CONSUMER_START_TIMESTAMP: String(startedAt),
      consumerGroup: options.group,
      messageModel: options.model.toUpperCase(),
      pullBatchSize: String(options.pullBatchSize),
      consumeMessageBatchMaxSize: String(options.batchSize),
      maxReconsumeTimes: String(options.maxReconsumeTimes),
    },
    subscriptions: [...subscriptions],
    queues: queues.map(({ info }) => info),
    topics: [...topics],
    stack: withStack ? stackText(queues) : undefined,
  };
}

/** JavaScript has one thread and no stack of what waits: what each queue does stands in its place. */
function stackText(queues: RunningInfoParts['queues']): string {
  const lines = queues.map(({ info, activity }) => `${nameOf(info.queue)}: ${activity}`);
  const { rss, heapUsed } = process.memoryUsage();
  const mebibytes = (bytes: number): number => Math.round(bytes / 1_048_576);
  return [
    `Node ${process.version}, pid ${process.pid}, up ${Math.round(process.uptime())} s, ` +
      `${mebibytes(rss)} MiB resident, ${mebibytes(heapUsed)} MiB heap`,
    ...lines.sort(),
    '',
  ].join('\n');
}

function nameOf({ topic, brokerName, queueId }: MessageQueue): string {
  return `${topic} ${brokerName} ${queueId}`;
}
