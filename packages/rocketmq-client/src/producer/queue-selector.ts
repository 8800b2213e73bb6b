import { javaStringHashCode, type MessageQueue, queueIndexByHash } from '@dt/rocketmq-protocol';

/** Chooses the queue of a message: by the hash of its sharding key, else one after the other. */
export class QueueSelector {
  #next: number;

  constructor(random: () => number = Math.random) {
    // Producers that start together should not all begin with queue 0.
    this.#next = Math.floor(random() * 0x10000);
  }

  /** The queue RocketMQ's own selector by hash takes, so producers in other languages agree. */
  bySharding(queues: readonly MessageQueue[], shardingKey: string): MessageQueue | undefined {
    if (queues.length === 0) return undefined;
    return queues[queueIndexByHash(javaStringHashCode(shardingKey), queues.length)];
  }

  /** Next in turn; queues of the broker to avoid are passed by while there are others. */
  roundRobin(queues: readonly MessageQueue[], avoidBrokerName?: string): MessageQueue | undefined {
    if (queues.length === 0) return undefined;
    for (let tried = 0; tried < queues.length; tried++) {
      const queue = this.#take(queues);
      if (queue?.brokerName !== avoidBrokerName) return queue;
    }
    return this.#take(queues);
  }

  #take(queues: readonly MessageQueue[]): MessageQueue | undefined {
    this.#next = (this.#next + 1) & 0x3fffffff;
    return queues[this.#next % queues.length];
  }
}
