export type { Message } from './message.ts';
export type { ProducerOptions } from './options.ts';
export type { SelectQueue } from './queue-selector.ts';
export { Producer, type SendOptions } from './producer.ts';
export type { RequestMessage } from './reply-message.ts';
export type { Reply } from './requests.ts';
export {
  type LocalTransaction,
  type TransactionalMessage,
  type TransactionContext,
  TransactionProducer,
  type TransactionResult,
} from './transaction-producer.ts';
export type {
  TransactionChecker,
  TransactionProducerOptions,
  TransactionState,
} from './transaction-options.ts';
export type { SendOutcome, SendResult, SendStatus } from './send-result.ts';
