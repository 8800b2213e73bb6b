export const RETRY_TOPIC_PREFIX = '%RETRY%';
export const DEAD_LETTER_TOPIC_PREFIX = '%DLQ%';
/** The topic whose queues and permission a broker copies when it creates an unknown topic. */
export const AUTO_CREATE_TOPIC = 'TBW102';
/** Producer group of clients that have none of their own: consumers and admin clients send heartbeats with it. */
export const CLIENT_INNER_PRODUCER_GROUP = 'CLIENT_INNER_PRODUCER';

export const MAX_TOPIC_LENGTH = 127;
export const MAX_GROUP_LENGTH = 255;

const NAME = /^[%|a-zA-Z0-9_-]+$/;

/** Topic and group names take letters, digits, `%`, `|`, `_` and `-`. */
export function isValidName(name: string, maxLength: number): boolean {
  return name.length <= maxLength && NAME.test(name);
}

/** The topic through which a broker gives failed messages back to the group. */
export function retryTopic(group: string): string {
  return RETRY_TOPIC_PREFIX + group;
}

/** The topic replies are sent to; one a cluster. */
export function replyTopic(cluster: string): string {
  return `${cluster}_REPLY_TOPIC`;
}

export function deadLetterTopic(group: string): string {
  return DEAD_LETTER_TOPIC_PREFIX + group;
}

export function isRetryTopic(topic: string): boolean {
  return topic.startsWith(RETRY_TOPIC_PREFIX);
}
