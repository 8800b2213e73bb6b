import type { MessageQueue } from '@dt/rocketmq-protocol';

export interface StoredQueueOffset {
  queue: MessageQueue;
  /** Of the first message that is not done. */
  offset: number;
}

/** Where a broadcasting consumer keeps how far it is: one store a group and client, its brokers keep nothing. */
export interface OffsetStore {
  /** `undefined` when nothing was stored. A failure is not taken for that: the queue waits and is asked for again. */
  load(queue: MessageQueue): Promise<number | undefined>;
  /** Resolves when they are safe. What is not named stays as it is. */
  save(entries: readonly StoredQueueOffset[]): Promise<void>;
}
