export type { Message } from './message.ts';
export type { ProducerOptions } from './options.ts';
export { Producer, type SendOptions } from './producer.ts';
export type { SendOutcome, SendResult, SendStatus } from './send-result.ts';
