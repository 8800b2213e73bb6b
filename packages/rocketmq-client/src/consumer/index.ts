export {
  allocation,
  type AllocationRequest,
  type AllocationStrategy,
  type NearbyRoomOptions,
} from './allocation.ts';
export { fileOffsetStore } from './file-offset-store.ts';
export type { OffsetStore, StoredQueueOffset } from './offset-store.ts';
export type {
  HandlerContext,
  MessageHandler,
  OnError,
  PartialFailure,
  PushConsumerOptions,
  StartFrom,
} from './options.ts';
export { PullConsumer, type PollOptions } from './pull-consumer.ts';
export type { PullConsumerOptions } from './pull-options.ts';
export type { QueueLag } from './queue-lag.ts';
export { PushConsumer } from './push-consumer.ts';
export type { ReceivedMessage } from './received-message.ts';
export type { SeekTarget } from './seek-offset.ts';
export type { MessageFilter, Subscription } from './subscription.ts';
