import type { JsonObject } from '../json/json-value.ts';
import type { JsonReader } from '../json/read.ts';
import {
  type GroupRetryPolicy,
  groupRetryPolicyFromJson,
  groupRetryPolicyToJson,
} from './group-retry-policy.ts';

/** A consumer group as one broker has it. */
export interface SubscriptionGroupConfig {
  groupName: string;
  consumeEnable: boolean;
  consumeFromMinEnable: boolean;
  consumeBroadcastEnable: boolean;
  consumeMessageOrderly: boolean;
  retryQueueNums: number;
  /** Deliveries through the retry topic before a message goes to the dead letter topic. */
  retryMaxTimes: number;
  groupRetryPolicy: GroupRetryPolicy;
  brokerId: number;
  whichBrokerWhenConsumeSlowly: number;
  notifyConsumerIdsChangedEnable: boolean;
  groupSysFlag: number;
  consumeTimeoutMinute: number;
  attributes: Record<string, string>;
}

/** A group with the defaults of RocketMQ. */
export function subscriptionGroupConfigOf(
  groupName: string,
  overrides: Partial<Omit<SubscriptionGroupConfig, 'groupName'>> = {},
): SubscriptionGroupConfig {
  return {
    groupName,
    consumeEnable: true,
    consumeFromMinEnable: true,
    consumeBroadcastEnable: true,
    consumeMessageOrderly: false,
    retryQueueNums: 1,
    retryMaxTimes: 16,
    groupRetryPolicy: { type: 'CUSTOMIZED' },
    brokerId: 0,
    whichBrokerWhenConsumeSlowly: 1,
    notifyConsumerIdsChangedEnable: true,
    groupSysFlag: 0,
    consumeTimeoutMinute: 15,
    attributes: {},
    ...overrides,
  };
}

export function subscriptionGroupConfigToJson(config: SubscriptionGroupConfig): JsonObject {
  return {
    attributes: config.attributes,
    brokerId: config.brokerId,
    consumeBroadcastEnable: config.consumeBroadcastEnable,
    consumeEnable: config.consumeEnable,
    consumeFromMinEnable: config.consumeFromMinEnable,
    consumeMessageOrderly: config.consumeMessageOrderly,
    consumeTimeoutMinute: config.consumeTimeoutMinute,
    groupName: config.groupName,
    groupRetryPolicy: groupRetryPolicyToJson(config.groupRetryPolicy),
    groupSysFlag: config.groupSysFlag,
    notifyConsumerIdsChangedEnable: config.notifyConsumerIdsChangedEnable,
    retryMaxTimes: config.retryMaxTimes,
    retryQueueNums: config.retryQueueNums,
    whichBrokerWhenConsumeSlowly: config.whichBrokerWhenConsumeSlowly,
  };
}

export function subscriptionGroupConfigFromJson(reader: JsonReader): SubscriptionGroupConfig {
  return subscriptionGroupConfigOf(reader.string('groupName'), {
    consumeEnable: reader.boolean('consumeEnable', true),
    consumeFromMinEnable: reader.boolean('consumeFromMinEnable', true),
    consumeBroadcastEnable: reader.boolean('consumeBroadcastEnable', true),
    consumeMessageOrderly: reader.boolean('consumeMessageOrderly', false),
    retryQueueNums: reader.integer('retryQueueNums', 1),
    retryMaxTimes: reader.integer('retryMaxTimes', 16),
    ...(reader.has('groupRetryPolicy') && {
      groupRetryPolicy: groupRetryPolicyFromJson(reader.object('groupRetryPolicy')),
    }),
    brokerId: reader.integer('brokerId', 0),
    whichBrokerWhenConsumeSlowly: reader.integer('whichBrokerWhenConsumeSlowly', 1),
    notifyConsumerIdsChangedEnable: reader.boolean('notifyConsumerIdsChangedEnable', true),
    groupSysFlag: reader.integer('groupSysFlag', 0),
    consumeTimeoutMinute: reader.integer('consumeTimeoutMinute', 15),
    attributes: reader.stringMap('attributes'),
  });
}
