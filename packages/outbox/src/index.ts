export { type Backlog, readBacklog } from './backlog.ts';
export { type Database, type Queryable, type Subscription } from './database/database.ts';
export { fromPgPool, listenOnPgPool, type PgClientLike, type PgPoolLike } from './database/pg-pool.ts';
export { type NamedStatementsLike, prepared } from './database/prepared.ts';
export * from './dead-letters/index.ts';
export {
  fromPostgresJs,
  type PostgresJsLike,
  type PostgresJsTransactionLike,
} from './database/postgres-js.ts';
export {
  fromTypeOrm,
  type TypeOrmDataSourceLike,
  type TypeOrmManagerLike,
  type TypeOrmRunnerLike,
} from './database/typeorm.ts';
export { enqueue, type EnqueueOptions, MAX_MESSAGES_PER_CALL } from './enqueue/enqueue.ts';
export { openTelemetryContext, type OpenTelemetryLike } from './enqueue/trace-context.ts';
export { type OutboxMessage } from './enqueue/validate.ts';
export { OUTBOX_ERROR_CODES, OutboxError, type OutboxErrorCode } from './errors.ts';
export { Inbox, type InboxBatch, type InboxOptions, type InboxStats } from './inbox/inbox.ts';
export {
  type BatchHandler,
  type Handler,
  type HandlerContext,
  type Handlers,
  type InboxMessage,
  type MessageHandler,
  type ReceivedMessage,
} from './inbox/message.ts';
export { type BackoffOptions } from './backoff.ts';
export { type PublishableMessage, type Publisher, type PublishOutcome } from './relay/publisher.ts';
export { type RelayOptions } from './relay/options.ts';
export { Relay } from './relay/relay.ts';
export { type RelayActivity, type RelayBatch } from './relay/round.ts';
export { type RelayStats } from './relay/stats.ts';
export { Retention, type RetentionOptions, type RetentionRun } from './retention/index.ts';
export {
  type RocketMQMessage,
  type RocketMQProducerLike,
  rocketmqPublisher,
  type RocketMQReceivedMessage,
  rocketmqReceiver,
  type RocketMQSendError,
  type RocketMQSendOutcome,
} from './rocketmq/index.ts';
export {
  migrate,
  type MigrateOptions,
  type MigrationReport,
  type PlannedMigration,
  planMigrations,
} from './schema/migrate.ts';
export { Notifier, type NotifierOptions } from './wakeups/index.ts';
