import { AUTO_CREATE_TOPIC, Permission, topicConfigOf, type TopicConfig } from '@dt/rocketmq-protocol';

export const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX';
export const SYSTEM_TOPIC_PREFIX = 'rmq_sys_';
export const TIMER_TOPIC = `${SYSTEM_TOPIC_PREFIX}wheel_timer`;
export const SCHEDULE_QUEUES = 18;

export const HALF_TOPIC = 'RMQ_SYS_TRANS_HALF_TOPIC';
export const OPERATION_HALF_TOPIC = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';
export const CHECK_MAX_TIME_TOPIC = 'TRANS_CHECK_MAX_TIME_TOPIC';
const SELF_TEST_TOPIC = 'SELF_TEST_TOPIC';
const OFFSET_MOVED_TOPIC = 'OFFSET_MOVED_EVENT';
const BENCHMARK_TOPIC = 'BenchmarkTest';
const TRACE_TOPIC = 'RMQ_SYS_TRACE_TOPIC';
const CHECKPOINT_TOPIC = 'CHECKPOINT_TOPIC';

/** Topics clients may not send to. */
const CLOSED_TOPICS: ReadonlySet<string> = new Set([
  SCHEDULE_TOPIC,
  HALF_TOPIC,
  OPERATION_HALF_TOPIC,
  CHECK_MAX_TIME_TOPIC,
  SELF_TEST_TOPIC,
  OFFSET_MOVED_TOPIC,
]);

export function isClosedToSend(topic: string): boolean {
  return CLOSED_TOPICS.has(topic);
}

const READ_WRITE = Permission.READ | Permission.WRITE;

function topic(name: string, queues: number, perm = READ_WRITE): TopicConfig {
  return topicConfigOf(name, { readQueueNums: queues, writeQueueNums: queues, perm });
}

/** The topics a fresh broker has, in the order a real one makes them. */
export function systemTopics(
  clusterName: string,
  brokerName: string,
  autoCreateTopics: boolean,
): TopicConfig[] {
  return [
    topic(SELF_TEST_TOPIC, 1),
    ...(autoCreateTopics ? [topic(AUTO_CREATE_TOPIC, 8, READ_WRITE | Permission.INHERIT)] : []),
    topic(BENCHMARK_TOPIC, 1024),
    topic(clusterName, 16, READ_WRITE | Permission.INHERIT),
    topic(brokerName, 1, READ_WRITE | Permission.INHERIT),
    topic(OFFSET_MOVED_TOPIC, 1),
    topic(SCHEDULE_TOPIC, SCHEDULE_QUEUES),
    topic(`${clusterName}_REPLY_TOPIC`, 1),
    topic(reviveTopic(clusterName), 8),
    topic(memberTopic(brokerName), 1, Permission.INHERIT),
    topic(HALF_TOPIC, 1),
    topic(OPERATION_HALF_TOPIC, 1),
  ];
}

/** Notes about popped messages. */
export function reviveTopic(clusterName: string): string {
  return `${SYSTEM_TOPIC_PREFIX}REVIVE_LOG_${clusterName}`;
}

function memberTopic(brokerName: string): string {
  return `${SYSTEM_TOPIC_PREFIX}SYNC_BROKER_MEMBER_${brokerName}`;
}

/** Names tools may neither create nor delete, besides those with the system prefix. */
export function reservedTopics(clusterName: string, brokerName: string): Set<string> {
  return new Set([
    ...CLOSED_TOPICS,
    AUTO_CREATE_TOPIC,
    BENCHMARK_TOPIC,
    TRACE_TOPIC,
    CHECKPOINT_TOPIC,
    clusterName,
    brokerName,
    `${clusterName}_REPLY_TOPIC`,
    reviveTopic(clusterName),
    memberTopic(brokerName),
  ]);
}
