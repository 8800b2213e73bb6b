export type { PopConsumerOptions, PopHandler, PopHandlerContext } from './options.ts';
export { PopConsumer, type PopOptions } from './pop-consumer.ts';
export type { PoppedMessage } from './popped-message.ts';
