import { isRetryTopic, RETRY_TOPIC_PREFIX } from '../message/names.ts';

/**
 * Where a popped message stands: `normal` in its topic, `retry` in the retry topic of group and topic
 * (`%RETRY%<group>_<topic>`), `retryV2` in that of brokers with the newer name (`%RETRY%<group>+<topic>`).
 */
export type PopRetry = 'normal' | 'retry' | 'retryV2';

const MARKS = { normal: '0', retry: '1', retryV2: '2' } as const;

/** The mark of the wire: 0, 1 or 2. */
export function popRetryMark(retry: PopRetry): string {
  return MARKS[retry];
}

/** `undefined` for a mark that does not exist. */
export function popRetryOfMark(mark: string): PopRetry | undefined {
  if (mark === MARKS.normal) return 'normal';
  if (mark === MARKS.retry) return 'retry';
  return mark === MARKS.retryV2 ? 'retryV2' : undefined;
}

/** By the name of the topic a message was read from. */
export function popRetryOfTopic(topic: string): PopRetry {
  if (!isRetryTopic(topic)) return 'normal';
  return topic.includes('+') ? 'retryV2' : 'retry';
}

/** The topic through which messages of `topic` come again to a group that pops them. */
export function popRetryTopic(group: string, topic: string): string {
  return `${RETRY_TOPIC_PREFIX}${group}_${topic}`;
}

/** The topic a popped message really lies in: acknowledgements must name it. */
export function popRealTopic(topic: string, group: string, retry: PopRetry): string {
  if (retry === 'normal') return topic;
  return retry === 'retry' ? popRetryTopic(group, topic) : `${RETRY_TOPIC_PREFIX}${group}+${topic}`;
}
