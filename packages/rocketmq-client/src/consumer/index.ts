export type {
  HandlerContext,
  MessageHandler,
  PushConsumerOptions,
  StartFrom,
  Subscription,
} from './options.ts';
export { PushConsumer } from './push-consumer.ts';
export type { ReceivedMessage } from './received-message.ts';
