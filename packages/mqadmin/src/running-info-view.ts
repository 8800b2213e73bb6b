import type { ConsumerRunningInfo } from '@dt/rocketmq-client';
import { Columns, formatMilliseconds } from './output/index.ts';

type RunningQueue = ConsumerRunningInfo['queues'][number];

const offsetColumns = new Columns([
  { title: '#Topic', width: 64 },
  { title: '#Broker Name', width: 32 },
  { title: '#QID', width: 4 },
  { title: '#Consumer Offset', width: 20 },
]);
const detailColumns = new Columns([
  { title: '#Topic', width: 64 },
  { title: '#Broker Name', width: 32 },
  { title: '#QID', width: 4 },
  { title: '#ProcessQueueInfo' },
]);
const rateColumns = new Columns([
  { title: '#Topic', width: 64 },
  { title: '#Pull RT', width: 14, align: 'right' },
  { title: '#Pull TPS', width: 14, align: 'right', gap: 1 },
  { title: '#Consume RT', width: 14, align: 'right', gap: 1 },
  { title: '#ConsumeOK TPS', width: 14, align: 'right', gap: 1 },
  { title: '#ConsumeFailed TPS', width: 18, align: 'right', gap: 1 },
  { title: '#ConsumeFailedMsgsInHour', width: 25, align: 'right', gap: 1 },
]);

/** What a member does, as text in chapters. */
export function runningInfoText(info: ConsumerRunningInfo): string {
  const properties = Object.entries(info.properties).map(([name, value]) => `${name.padEnd(40)}: ${value}`);
  const subscriptions = info.subscriptions.map(
    ({ topic, classFilterMode, subString }, at) =>
      `${String(at + 1).padStart(3, '0')} Topic: ${topic.padEnd(40)} ` +
      `ClassFilter: ${String(classFilterMode).padEnd(8)} SubExpression: ${subString}`,
  );
  const offsets = info.queues.map(({ queue, commitOffset }) =>
    offsetColumns.row([queue.topic, queue.brokerName, queue.queueId, commitOffset]),
  );
  const details = info.queues.map((queue) =>
    detailColumns.row([queue.queue.topic, queue.queue.brokerName, queue.queue.queueId, detailOf(queue)]),
  );
  const rates = info.topics.map((topic) =>
    rateColumns.row([
      topic.topic,
      ...[topic.pullRtMs, topic.pullTps, topic.consumeRtMs, topic.consumeOkTps, topic.consumeFailedTps].map(
        (value) => value.toFixed(2),
      ),
      topic.consumeFailedMessages,
    ]),
  );
  const chapters: [string, string[]][] = [
    ['Consumer Properties', properties],
    ['Consumer Subscription', subscriptions],
    ['Consumer Offset', [offsetColumns.header(), ...offsets]],
    ['Consumer MQ Detail', [detailColumns.header(), ...details]],
    ['Consumer RT&TPS', [rateColumns.header(), ...rates]],
    ...(info.stack === undefined ? [] : [['Consumer jstack', [info.stack]] as [string, string[]]]),
  ];
  return chapters.map(([title, lines]) => [`#${title}#`, ...lines].join('\n')).join('\n\n\n');
}

/** A member as `--json` shows it. */
export interface MemberRecord {
  clientId: string;
  version: string;
  properties: Record<string, string>;
  subscriptions: { topic: string; expression: string }[];
  queues: ({ topic: string; brokerName: string; queueId: number } & Omit<RunningQueue, 'queue'>)[];
  topics: ConsumerRunningInfo['topics'];
  stack: string | null;
}

export function memberRecord(clientId: string, version: string, info: ConsumerRunningInfo): MemberRecord {
  return {
    clientId,
    version,
    properties: info.properties,
    subscriptions: info.subscriptions.map(({ topic, subString }) => ({ topic, expression: subString })),
    queues: info.queues.map(({ queue: { topic, brokerName, queueId }, ...rest }) => ({
      topic,
      brokerName,
      queueId,
      ...rest,
    })),
    topics: info.topics,
    stack: info.stack ?? null,
  };
}

function detailOf(queue: RunningQueue): string {
  const time = (at: number): string => (at === 0 ? 'never' : formatMilliseconds(at));
  const fields = {
    commitOffset: queue.commitOffset,
    cachedMsgMinOffset: queue.cachedMinOffset,
    cachedMsgMaxOffset: queue.cachedMaxOffset,
    cachedMsgCount: queue.cachedMessages,
    cachedMsgSizeInMiB: queue.cachedMebibytes,
    locked: queue.locked,
    lastLockTimestamp: time(queue.lastLockTimestamp),
    droped: queue.dropped,
    lastPullTimestamp: time(queue.lastPullTimestamp),
    lastConsumeTimestamp: time(queue.lastConsumeTimestamp),
  };
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return `ProcessQueueInfo [${shown.join(', ')}]`;
}
