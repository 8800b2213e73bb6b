export { RocketMQError, type RequestOutcome, type RocketMQErrorCode, SendError } from './errors.ts';
export type { Logger } from './logger.ts';
export type { ClientOptions } from './options.ts';
export * from './producer/index.ts';
