import {
  commands,
  encodeProperties,
  MessageProperty,
  type MessageQueue,
  retryTopic,
  withNamespace,
} from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Sender } from '../producer/sender.ts';
import type { CachedMessage } from './received-message.ts';

export interface SendBackOptions {
  group: string;
  namespace?: string | undefined;
  maxReconsumeTimes: number;
  requestTimeoutMs: number;
  logger: Logger;
}

/** Level of the first delay through the retry topic: 10 s. */
export const FIRST_RETRY_LEVEL = 3;

/** Hands failed messages to the broker for a later delivery. */
export class SendBack {
  readonly #client: ClientInstance;
  readonly #sender: Sender;
  readonly #options: SendBackOptions;

  constructor(client: ClientInstance, sender: Sender, options: SendBackOptions) {
    this.#client = client;
    this.#sender = sender;
    this.#options = options;
  }

  /**
   * Those that could not be handed over; they must be tried again here. `delayLevel` 0: the broker takes the next
   * level after the deliveries so far.
   */
  async run(
    queue: MessageQueue,
    messages: readonly CachedMessage[],
    delayLevel = 0,
  ): Promise<CachedMessage[]> {
    const kept: CachedMessage[] = [];
    for (const message of messages) {
      try {
        await this.#toBroker(queue, message, delayLevel);
      } catch (error) {
        const { messageId } = message.message;
        this.#options.logger.warn('send back failed, trying the retry topic', {
          messageId,
          error: messageOf(error),
        });
        try {
          await this.#toRetryTopic(message, delayLevel || FIRST_RETRY_LEVEL + message.message.reconsumeTimes);
        } catch (fallbackError) {
          this.#options.logger.error('message kept for another try here', {
            messageId,
            error: messageOf(fallbackError),
          });
          kept.push(message);
        }
      }
    }
    return kept;
  }

  async #toBroker(
    queue: MessageQueue,
    { message, physicalOffset }: CachedMessage,
    delayLevel: number,
  ): Promise<void> {
    const address = await this.#client.masterOf(queue.topic, queue.brokerName);
    await this.#client.request(address, commands.consumerSendMessageBack, {
      offset: physicalOffset,
      group: this.#options.group,
      delayLevel,
      originMsgId: message.messageId,
      originTopic: withNamespace(message.topic, this.#options.namespace),
      unitMode: false,
      maxReconsumeTimes: this.#options.maxReconsumeTimes,
    });
  }

  /** As an ordinary message with all that the broker would have noted on it. */
  async #toRetryTopic({ message }: CachedMessage, delayLevel: number): Promise<void> {
    const { group, maxReconsumeTimes, requestTimeoutMs } = this.#options;
    const { properties } = message;
    const reconsumeTimes = message.reconsumeTimes + 1;
    await this.#sender.send(
      {
        topic: retryTopic(group),
        batch: false,
        messages: 1,
        body: message.body,
        properties: encodeProperties({
          ...properties,
          [MessageProperty.TRANSACTION_PREPARED]: undefined,
          [MessageProperty.RETRY_TOPIC]: withNamespace(message.topic, this.#options.namespace),
          [MessageProperty.RECONSUME_TIME]: String(reconsumeTimes),
          [MessageProperty.MAX_RECONSUME_TIMES]: String(maxReconsumeTimes),
          [MessageProperty.ORIGIN_MESSAGE_ID]:
            properties[MessageProperty.ORIGIN_MESSAGE_ID] ?? message.offsetMessageId,
          [MessageProperty.DELAY]: String(delayLevel),
        }),
        reconsumeTimes,
        maxReconsumeTimes,
      },
      { timeoutMs: requestTimeoutMs },
    );
  }
}
