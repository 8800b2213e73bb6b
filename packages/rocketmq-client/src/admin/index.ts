export type { AdminOptions, AskedBrokers, BrokerChoice, ClusterInfo } from './admin-base.ts';
export { Admin } from './admin.ts';
export type {
  ConsumerConnections,
  CreateSubscriptionGroupOptions,
  DeleteSubscriptionGroupOptions,
  GroupConsumeStats,
  QueueConsumeStats,
} from './group-admin.ts';
export type {
  FoundMessage,
  MessagesByKeyOptions,
  MessageTrack,
  MessageTrackType,
  ReadMessages,
  ReadMessagesOptions,
} from './message-admin.ts';
export type {
  CreateTopicOptions,
  DeleteTopicOptions,
  OffsetByTimeOptions,
  QueueStats,
} from './topic-admin.ts';
