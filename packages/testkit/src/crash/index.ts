export { DeadError, Incarnation, type Fate, type Moment } from './incarnation.ts';
export { mortalPool, type MortalClient, type MortalPool, type MortalPoolOptions } from './mortal-pool.ts';
export { QueueLog, type QueueLogEntry, type QueueLogMessage } from './queue-log.ts';
export { QueueLogConsumer, type QueueLogConsumerOptions } from './queue-log-consumer.ts';
export {
  QueueLogPublisher,
  type QueueLogPublisherOptions,
  type SendFault,
  type SendOutcome,
} from './queue-log-publisher.ts';
