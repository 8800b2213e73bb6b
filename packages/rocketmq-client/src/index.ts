export * from './admin/index.ts';
export * from './consumer/index.ts';
export {
  RocketMQError,
  type RequestOutcome,
  ROCKETMQ_ERROR_CODES,
  type RocketMQErrorCode,
  SendError,
} from './errors.ts';
export type { Logger } from './logger.ts';
export type { ClientOptions } from './options.ts';
export * from './producer/index.ts';
export type { TlsOptions } from './transport/index.ts';
export type { TopicRoute } from './routes/index.ts';
export type { Credentials, MessageQueue } from '@dt/rocketmq-protocol';
