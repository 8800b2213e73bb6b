export type { AdminOptions, AskedBrokers, BrokerChoice, ClusterInfo } from './admin-base.ts';
export { Admin } from './admin.ts';
export type {
  CloneOffsetsOptions,
  ConsumerConnections,
  CreateSubscriptionGroupOptions,
  DeleteSubscriptionGroupOptions,
  GroupConsumeStats,
  QueryAssignmentOptions,
  QueueAssignment,
  QueueConsumeStats,
  QueueTimeSpan,
  SetMessageRequestModeOptions,
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
export type {
  BrokerConsumeStats,
  BrokerConsumeStatsOptions,
  BrokerMemberGroup,
  ConsumeQueueEntry,
  ConsumeQueueOptions,
  ConsumeQueuePart,
  GroupTopicOffsets,
} from './broker-admin.ts';
export type { Configuration } from './name-server-admin.ts';
export type {
  ConsumerProgress,
  ConsumerRunningInfo,
  ConsumerRunningInfoOptions,
  DirectConsumption,
  ResetOffsetOptions,
  ResetTarget,
} from './consumer-admin.ts';
