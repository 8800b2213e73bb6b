import { type MessageQueue, messageQueueKey } from '@dt/rocketmq-protocol';
import { invalidOption } from '../options.ts';
import type { OwnedQueue } from './rebalancer.ts';

/** The queues a consumer was told to read. */
export class AssignedQueues<Owned extends OwnedQueue> {
  #queues = new Map<string, Owned>();
  #assigning: Promise<void> = Promise.resolve();
  #isClosed = false;

  get queues(): Owned[] {
    return [...this.#queues.values()];
  }

  find(queue: MessageQueue): Owned | undefined {
    return this.#queues.get(messageQueueKey(queue));
  }

  /** Calls take effect in their order. A failure leaves what there was. */
  assign(queues: readonly MessageQueue[], open: (queue: MessageQueue) => Promise<Owned>): Promise<void> {
    const wanted = new Map(queues.map((queue) => [messageQueueKey(queue), queue]));
    const assigned = this.#assigning.then(() => this.#assign(wanted, open));
    this.#assigning = assigned.catch(() => undefined);
    return assigned;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#assigning;
    await Promise.all(this.queues.map((part) => part.stop()));
  }

  async #assign(
    wanted: ReadonlyMap<string, MessageQueue>,
    open: (queue: MessageQueue) => Promise<Owned>,
  ): Promise<void> {
    const present = this.#queues;
    const opened = await Promise.all(
      [...wanted].map(async ([key, queue]) => [key, present.get(key) ?? (await open(queue))] as const),
    );
    if (this.#isClosed) return;
    this.#queues = new Map(opened);
    for (const [key, part] of opened) if (!present.has(key)) part.start();
    await Promise.all([...present].filter(([key]) => !wanted.has(key)).map(([, part]) => part.stop()));
  }
}

/** A copy of a caller's queues; throws `options-invalid` for what is none. */
export function checkQueues(queues: readonly MessageQueue[]): MessageQueue[] {
  for (const { topic, brokerName, queueId } of queues) {
    if (typeof topic !== 'string' || typeof brokerName !== 'string' || !Number.isSafeInteger(queueId))
      throw invalidOption(
        'queues',
        JSON.stringify({ topic, brokerName, queueId }),
        'expected queues with topic, brokerName and queueId',
      );
  }
  return queues.map((queue) => ({ ...queue }));
}
