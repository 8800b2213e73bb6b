import { commands, type MessageQueue, ResponseCode } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { asRocketMQError } from '../errors.ts';
import { initialOffset } from './initial-offset.ts';
import type { StartFrom } from './options.ts';

export interface StartOffset {
  offset: number;
  /**
   * Whether it is kept. For a young queue a broker may have answered 0 without keeping it, and give another answer
   * when the queue is older: until the group has told its offset once, messages could be passed by.
   */
  stored: boolean;
}

/** How far queues are done, wherever that is kept. */
export interface QueueOffsets {
  /**
   * The stored offset, else where `from` says. Any failure but "not stored" is thrown: a queue must not begin at a
   * wrong place because a broker was busy.
   */
  startOffset(queue: MessageQueue, from: StartFrom): Promise<StartOffset>;
  /** Resolves when it is kept. */
  commit(queue: MessageQueue, commitOffset: number): Promise<void>;
}

/** A group's progress as the brokers keep it. */
export class BrokerOffsets implements QueueOffsets {
  readonly #client: ClientInstance;
  readonly #group: string;

  constructor(client: ClientInstance, group: string) {
    this.#client = client;
    this.#group = group;
  }

  async startOffset(queue: MessageQueue, from: StartFrom): Promise<StartOffset> {
    const stored = await this.stored(queue);
    if (stored !== undefined) return { offset: stored, stored: stored > 0 };
    return { offset: await initialOffset(this.#client, queue, from), stored: false };
  }

  async commit(queue: MessageQueue, commitOffset: number): Promise<void> {
    const { topic, queueId } = queue;
    const address = await this.#client.consumerBrokerOf(topic, queue.brokerName);
    const request = { consumerGroup: this.#group, topic, queueId, commitOffset };
    await this.#client.request(address, commands.updateConsumerOffset, request);
  }

  /**
   * `youngIsZero`: whether a broker may answer 0 for a queue that still has its first message, although nothing is
   * stored.
   */
  async stored(queue: MessageQueue, { youngIsZero } = { youngIsZero: true }): Promise<number | undefined> {
    const { topic, queueId } = queue;
    const address = await this.#client.consumerBrokerOf(topic, queue.brokerName);
    const request = {
      ...{ consumerGroup: this.#group, topic, queueId },
      setZeroIfNotFound: youngIsZero ? undefined : false,
    };
    try {
      const { offset } = await this.#client.request(address, commands.queryConsumerOffset, request);
      return offset >= 0 ? offset : undefined;
    } catch (error) {
      if (asRocketMQError(error).responseCode === ResponseCode.QUERY_NOT_FOUND) return undefined;
      throw error;
    }
  }
}
