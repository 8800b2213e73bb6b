import { commands, isRetryTopic, type MessageQueue, ResponseCode } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { asRocketMQError } from '../errors.ts';
import type { StartFrom } from './options.ts';

export interface StartOffset {
  offset: number;
  /**
   * Whether the broker keeps it. For a young queue it may have answered 0 without keeping it, and give another answer
   * when the queue is older: until the group has told its offset once, messages could be passed by.
   */
  stored: boolean;
}

/** A group's progress as the brokers keep it. */
export class QueueOffsets {
  readonly #client: ClientInstance;
  readonly #group: string;

  constructor(client: ClientInstance, group: string) {
    this.#client = client;
    this.#group = group;
  }

  /**
   * The stored offset, else where `from` says. Any failure but "not stored" is thrown: a queue must not begin at a
   * wrong place because a broker was busy.
   */
  async startOffset(queue: MessageQueue, from: StartFrom): Promise<StartOffset> {
    const stored = await this.#stored(queue);
    if (stored !== undefined) return { offset: stored, stored: stored > 0 };
    return { offset: await this.#initial(queue, from), stored: false };
  }

  async commit(queue: MessageQueue, commitOffset: number): Promise<void> {
    const { topic, queueId } = queue;
    const address = await this.#client.masterOf(topic, queue.brokerName);
    const request = { consumerGroup: this.#group, topic, queueId, commitOffset };
    await this.#client.request(address, commands.updateConsumerOffset, request);
  }

  async #stored(queue: MessageQueue): Promise<number | undefined> {
    const { topic, queueId } = queue;
    const address = await this.#client.masterOf(topic, queue.brokerName);
    const request = { consumerGroup: this.#group, topic, queueId };
    try {
      const { offset } = await this.#client.request(address, commands.queryConsumerOffset, request);
      return offset >= 0 ? offset : undefined;
    } catch (error) {
      if (asRocketMQError(error).responseCode === ResponseCode.QUERY_NOT_FOUND) return undefined;
      throw error;
    }
  }

  async #initial(queue: MessageQueue, from: StartFrom): Promise<number> {
    const { topic, queueId } = queue;
    if (from === 'first') return 0;
    // What came back for retry before the group ever consumed would otherwise be lost.
    if (from === 'last' && isRetryTopic(topic)) return 0;
    const address = await this.#client.masterOf(topic, queue.brokerName);
    if (from === 'last' || isRetryTopic(topic)) {
      return (await this.#client.request(address, commands.getMaxOffset, { topic, queueId })).offset;
    }
    const request = { topic, queueId, timestamp: from.timestamp };
    return (await this.#client.request(address, commands.searchOffsetByTimestamp, request)).offset;
  }
}
