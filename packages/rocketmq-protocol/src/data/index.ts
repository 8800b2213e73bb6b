export { CONSUME_RESULTS, type ConsumeResult } from './consume-result.ts';
export type { ClientConnection } from './client-connection.ts';
export { dataVersionFromJson, dataVersionOf, dataVersionToJson, type DataVersion } from './data-version.ts';
export type { GroupRetryPolicy } from './group-retry-policy.ts';
export {
  decodeHeartbeatData,
  encodeHeartbeatData,
  type ConsumeFromWhere,
  type ConsumerData,
  type ConsumeType,
  type HeartbeatData,
  type MessageModel,
} from './heartbeat-data.ts';
export type { MessageRequestMode } from './message-request-mode.ts';
export {
  decodeConfiguration,
  decodeConfigurationChange,
  encodeConfiguration,
  encodeConfigurationChange,
  type Configuration,
} from './properties-text.ts';
export { compareMessageQueues, messageQueueKey, type MessageQueue } from './message-queue.ts';
export { queueMappingFromJson, queueMappingToJson, type TopicQueueMapping } from './queue-mapping.ts';
export type { QueueOffset } from './queue-offsets.ts';
export {
  decodeTopicRouteData,
  encodeTopicRouteData,
  MASTER_ID,
  type BrokerData,
  type QueueData,
  type TopicRouteData,
} from './route-data.ts';
export {
  sqlSubscriptionOf,
  SUBSCRIBE_ALL,
  subscriptionOf,
  subscriptionToJson,
  type SubscriptionData,
} from './subscription-data.ts';
export {
  subscriptionGroupConfigFromJson,
  subscriptionGroupConfigOf,
  subscriptionGroupConfigToJson,
  type SubscriptionGroupConfig,
} from './subscription-group-config.ts';
export { topicConfigFromJson, topicConfigOf, topicConfigToJson, type TopicConfig } from './topic-config.ts';
