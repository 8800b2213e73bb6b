export { EmbeddedError, type EmbeddedErrorCode } from './errors.ts';
export type { Logger } from './logger.ts';
export type { RocketMQLimits, RocketMQOptions } from './options.ts';
export type { ServerTls } from './server/index.ts';
export { startRocketMQ, type RocketMQServer } from './start.ts';
export type { FlushMode, OnDamage } from './store/index.ts';
