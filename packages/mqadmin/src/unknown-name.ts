import { type Admin, RocketMQError } from '@dt/rocketmq-client';
import { FaultError } from './exit.ts';
import { nearestName } from './nearest.ts';

const RETRY_PREFIX = '%RETRY%';
const UNKNOWN_TOPIC = /^topic (\S+) is not known/;

/** A topic or a group that is not there, by the name of the nearest that is; any other failure as it came. */
export async function withNearestName(error: unknown, admin: Admin, signal: AbortSignal): Promise<unknown> {
  if (!(error instanceof RocketMQError) || error.code !== 'topic-not-found') return error;
  const name = UNKNOWN_TOPIC.exec(error.message)?.[1];
  if (name === undefined) return error;
  const topics = await admin.topicList({ signal }).catch(() => []);
  if (!name.startsWith(RETRY_PREFIX))
    return new FaultError(`there is no topic ${name}; ${hint(name, topics, 'topicList')}`);
  const group = name.slice(RETRY_PREFIX.length);
  return new FaultError(
    `no member of a consumer group ${group} was ever online; ${hint(group, groupsOf(topics), 'consumerProgress')}`,
  );
}

/** The groups there are: each has a topic for its retries from its first member on. */
export function groupsOf(topics: readonly string[]): string[] {
  return topics
    .filter((topic) => topic.startsWith(RETRY_PREFIX))
    .map((topic) => topic.slice(RETRY_PREFIX.length));
}

function hint(name: string, known: readonly string[], command: string): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? `${command} shows those there are` : `did you mean ${nearest}?`;
}
