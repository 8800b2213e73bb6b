import type { ConsumerRunningInfo } from '@dt/rocketmq-client';

/** Members of a group that is being deployed may differ for a while. */
const SETTLED_AFTER_MS = 120_000;
const BLOCKED_AFTER_MS = 60_000;

export interface Member {
  readonly clientId: string;
  readonly version: string;
  readonly info: ConsumerRunningInfo;
}

/** Whether all members want the same, as a group must; true while one of them is younger than two minutes. */
export function sameSubscription(members: readonly Member[], now = Date.now()): boolean {
  const isSettled = members.every(
    ({ info }) => now - Number(info.properties['PROP_CONSUMER_START_TIMESTAMP'] ?? now) > SETTLED_AFTER_MS,
  );
  if (!isSettled) return true;
  const wanted = members.map(({ info }) =>
    info.subscriptions
      .map(({ topic, subString }) => `${topic} ${subString}`)
      .sort()
      .join('\n'),
  );
  return new Set(wanted).size <= 1;
}

/** The queues of a member in which nothing moves though it should, each as a sentence. */
export function stuckQueues({ clientId, info }: Member, now = Date.now()): string[] {
  if (info.properties['PROP_CONSUME_TYPE'] !== 'CONSUME_PASSIVELY') return [];
  const isOrderly = info.properties['PROP_CONSUMEORDERLY'] === 'true';
  return info.queues.flatMap(({ queue, locked, lastLockTimestamp, lastConsumeTimestamp, cachedMessages }) => {
    const name = `MessageQueue [topic=${queue.topic}, brokerName=${queue.brokerName}, queueId=${queue.queueId}]`;
    if (isOrderly)
      return locked ? [] : [`${clientId} ${name} can't lock for a while, ${now - lastLockTimestamp}ms`];
    const idleMs = now - lastConsumeTimestamp;
    return idleMs > BLOCKED_AFTER_MS && cachedMessages > 0
      ? [`${clientId} ${name} can't consume for a while, maybe blocked, ${idleMs}ms`]
      : [];
  });
}
