import type { MessageQueue } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { initialOffset } from './initial-offset.ts';
import type { OffsetStore } from './offset-store.ts';
import type { StartFrom } from './options.ts';
import type { QueueOffsets, StartOffset } from './queue-offsets.ts';

/** The progress of one broadcasting consumer, in the store it was given. */
export class LocalOffsets implements QueueOffsets {
  readonly #client: ClientInstance;
  readonly #store: OffsetStore;

  constructor(client: ClientInstance, store: OffsetStore) {
    this.#client = client;
    this.#store = store;
  }

  async startOffset(queue: MessageQueue, from: StartFrom): Promise<StartOffset> {
    const stored = await this.#store.load(queue);
    if (stored !== undefined) return { offset: stored, stored: true };
    return { offset: await initialOffset(this.#client, queue, from), stored: false };
  }

  commit(queue: MessageQueue, offset: number): Promise<void> {
    return this.#store.save([{ queue, offset }]);
  }
}
