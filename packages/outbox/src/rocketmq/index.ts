export {
  type RocketMQMessage,
  type RocketMQProducerLike,
  rocketmqPublisher,
  type RocketMQSendError,
  type RocketMQSendOutcome,
} from './publisher.ts';
export { type RocketMQReceivedMessage, rocketmqReceiver } from './receiver.ts';
