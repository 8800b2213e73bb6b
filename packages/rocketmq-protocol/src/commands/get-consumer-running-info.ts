import { RequestCode } from '../codes/request-codes.ts';
import { queueMapToJson, readQueueMap, type MessageQueue } from '../data/message-queue.ts';
import {
  subscriptionFromJson,
  subscriptionToJson,
  type SubscriptionData,
} from '../data/subscription-data.ts';
import { boolean, header, optional, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_CONSUMER_RUNNING_INFO request', {
  consumerGroup: text(),
  clientId: text(),
  /** Whether to tell what the threads do. */
  jstackEnable: optional(boolean()),
});

export type GetConsumerRunningInfoRequest = ReturnType<typeof requestHeader.decode>;

/** One queue of a consumer. Times are milliseconds since 1970, 0 for never. */
export interface RunningQueue {
  queue: MessageQueue;
  commitOffset: number;
  /** Messages pulled and not done; 0 in all three when there are none. */
  cachedMessages: number;
  cachedMinOffset: number;
  cachedMaxOffset: number;
  cachedMebibytes: number;
  locked: boolean;
  /** Whether the queue was given away and still ends. */
  dropped: boolean;
  lastLockTimestamp: number;
  lastPullTimestamp: number;
  lastConsumeTimestamp: number;
}

/** Figures of one topic: messages a second over the last minute, milliseconds a message. */
export interface TopicConsumeStatus {
  topic: string;
  pullRtMs: number;
  pullTps: number;
  consumeRtMs: number;
  consumeOkTps: number;
  consumeFailedTps: number;
  /** Over the last hour. */
  consumeFailedMessages: number;
}

export interface ConsumerRunningInfo {
  properties: Record<string, string>;
  subscriptions: SubscriptionData[];
  queues: RunningQueue[];
  topics: TopicConsumeStatus[];
  /** What its threads do, or whatever it has in their place. */
  stack: string | undefined;
}

function encode(info: ConsumerRunningInfo): Buffer {
  return jsonBody({
    jstack: info.stack,
    mqPopTable: {},
    mqTable: queueMapToJson(info.queues.map((queue) => [queue.queue, queueToJson(queue)])),
    properties: info.properties,
    statusTable: Object.fromEntries(info.topics.map((status) => [status.topic, statusToJson(status)])),
    subscriptionSet: info.subscriptions.map(subscriptionToJson),
    userConsumerInfo: {},
  });
}

function decode(body: Buffer): ConsumerRunningInfo {
  const document = JsonReader.parse(body, 'ConsumerRunningInfo');
  return {
    properties: document.stringMap('properties'),
    subscriptions: document.objects('subscriptionSet').map(subscriptionFromJson),
    queues: readQueueMap(document, 'mqTable', queueFromJson),
    topics: statusesOf(document),
    stack: document.has('jstack') ? document.string('jstack') : undefined,
  };
}

function queueToJson(queue: RunningQueue) {
  return {
    cachedMsgCount: queue.cachedMessages,
    cachedMsgMaxOffset: queue.cachedMaxOffset,
    cachedMsgMinOffset: queue.cachedMinOffset,
    cachedMsgSizeInMiB: queue.cachedMebibytes,
    commitOffset: queue.commitOffset,
    // As RocketMQ spells it.
    droped: queue.dropped,
    lastConsumeTimestamp: queue.lastConsumeTimestamp,
    lastLockTimestamp: queue.lastLockTimestamp,
    lastPullTimestamp: queue.lastPullTimestamp,
    locked: queue.locked,
    transactionMsgCount: 0,
    transactionMsgMaxOffset: 0,
    transactionMsgMinOffset: 0,
    tryUnlockTimes: 0,
  };
}

function queueFromJson(value: JsonReader, queue: MessageQueue): RunningQueue {
  return {
    queue,
    commitOffset: value.integer('commitOffset', -1),
    cachedMessages: value.integer('cachedMsgCount', 0),
    cachedMinOffset: value.integer('cachedMsgMinOffset', 0),
    cachedMaxOffset: value.integer('cachedMsgMaxOffset', 0),
    cachedMebibytes: value.integer('cachedMsgSizeInMiB', 0),
    locked: value.boolean('locked', false),
    dropped: value.boolean('droped', false),
    lastLockTimestamp: value.integer('lastLockTimestamp', 0),
    lastPullTimestamp: value.integer('lastPullTimestamp', 0),
    lastConsumeTimestamp: value.integer('lastConsumeTimestamp', 0),
  };
}

function statusToJson(status: TopicConsumeStatus) {
  return {
    consumeFailedMsgs: status.consumeFailedMessages,
    consumeFailedTPS: status.consumeFailedTps,
    consumeOKTPS: status.consumeOkTps,
    consumeRT: status.consumeRtMs,
    pullRT: status.pullRtMs,
    pullTPS: status.pullTps,
  };
}

function statusesOf(document: JsonReader): TopicConsumeStatus[] {
  if (!document.has('statusTable')) return [];
  const table = document.object('statusTable');
  return table.keys.map((topic) => {
    const status = table.object(topic);
    return {
      topic,
      pullRtMs: status.number('pullRT', 0),
      pullTps: status.number('pullTPS', 0),
      consumeRtMs: status.number('consumeRT', 0),
      consumeOkTps: status.number('consumeOKTPS', 0),
      consumeFailedTps: status.number('consumeFailedTPS', 0),
      consumeFailedMessages: status.integer('consumeFailedMsgs', 0),
    };
  });
}

/** What a member of a group is doing: asked of a broker, which asks the member, 10 s at most. */
export const getConsumerRunningInfo = command<GetConsumerRunningInfoRequest, ConsumerRunningInfo>(
  RequestCode.GET_CONSUMER_RUNNING_INFO,
  { request: headerOnly(requestHeader), response: bodyOnly({ encode, decode }) },
);
