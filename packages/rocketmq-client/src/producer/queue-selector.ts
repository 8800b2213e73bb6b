import { javaStringHashCode, type MessageQueue, queueIndexByHash } from '@dt/rocketmq-protocol';
import { messageOf, SendError } from '../errors.ts';
import type { BrokerLatency } from './broker-latency.ts';
import type { Message } from './message.ts';

/** Chooses one of the writable queues of the message's topic, which are in the order of RocketMQ's clients. */
export type SelectQueue = (queues: readonly MessageQueue[], message: Message) => MessageQueue;

/** Chooses the queue of a message: by the hash of its sharding key, by a function, else one after the other. */
export class QueueSelector {
  readonly #latency: BrokerLatency | undefined;
  #next: number;

  /** With `latency` slow brokers are passed by in the round. */
  constructor(latency?: BrokerLatency, random: () => number = Math.random) {
    this.#latency = latency;
    // Producers that start together should not all begin with queue 0.
    this.#next = Math.floor(random() * 0x10000);
  }

  /** The queue RocketMQ's own selector by hash takes, so producers in other languages agree. */
  bySharding(queues: readonly MessageQueue[], shardingKey: string): MessageQueue | undefined {
    if (queues.length === 0) return undefined;
    return queues[queueIndexByHash(javaStringHashCode(shardingKey), queues.length)];
  }

  /** Throws `message-invalid` for a function that throws or names a queue that is none of these. */
  byFunction(
    queues: readonly MessageQueue[],
    message: Message,
    select: SelectQueue,
  ): MessageQueue | undefined {
    if (queues.length === 0) return undefined;
    let chosen: MessageQueue | undefined;
    try {
      const { topic } = message;
      chosen = select(
        queues[0]?.topic === topic ? queues : queues.map((queue) => ({ ...queue, topic })),
        message,
      );
    } catch (error) {
      throw new SendError('message-invalid', `selectQueue failed: ${messageOf(error)}`, { cause: error });
    }
    const queue = queues.find(
      ({ brokerName, queueId }) => brokerName === chosen?.brokerName && queueId === chosen.queueId,
    );
    if (queue !== undefined) return queue;
    const shown = JSON.stringify(chosen) ?? 'undefined';
    throw new SendError(
      'message-invalid',
      `selectQueue: ${shown} is not allowed, expected one of the queues given`,
    );
  }

  /** Next in turn; queues of slow brokers and of the broker to avoid are passed by while there are others. */
  roundRobin(queues: readonly MessageQueue[], avoidBrokerName?: string): MessageQueue | undefined {
    if (queues.length === 0) return undefined;
    const latency = this.#latency;
    const available =
      latency &&
      this.#find(
        queues,
        ({ brokerName }) => brokerName !== avoidBrokerName && latency.isAvailable(brokerName),
      );
    return (
      available ??
      this.#find(queues, ({ brokerName }) => brokerName !== avoidBrokerName) ??
      this.#take(queues)
    );
  }

  /** Tells how a send went. */
  note(brokerName: string, durationMs: number, failed: boolean): void {
    this.#latency?.note(brokerName, durationMs, failed);
  }

  #find(queues: readonly MessageQueue[], isGood: (queue: MessageQueue) => boolean): MessageQueue | undefined {
    for (let tried = 0; tried < queues.length; tried++) {
      const queue = this.#take(queues);
      if (queue !== undefined && isGood(queue)) return queue;
    }
    return undefined;
  }

  #take(queues: readonly MessageQueue[]): MessageQueue | undefined {
    this.#next = (this.#next + 1) & 0x3fffffff;
    return queues[this.#next % queues.length];
  }
}
