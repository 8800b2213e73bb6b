import { commands, type MessageQueue, messageQueueKey } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { Coalesced } from '../timing/coalesced.ts';
import { pause } from '../timing/pause.ts';
import { QueueLock } from './queue-lock.ts';

export interface QueueLocksOptions {
  group: string;
  lockRenewMs: number;
  lockValidMs: number;
  logger: Logger;
}

/** After a renewal that did not come through the next one must not wait a whole turn: the locks would run out. */
const HASTE = 10;

/** The queues whose locks this client owns, and their renewal: one request a broker. */
export class QueueLocks {
  readonly #client: ClientInstance;
  readonly #options: QueueLocksOptions;
  /** Also those lost, until their handler has ended: the queue must not be taken again before. */
  readonly #locks = new Map<string, QueueLock>();
  readonly #releasing = new Set<QueueLock>();
  readonly #renewals = new Coalesced(() => this.#renew());
  readonly #closing = new AbortController();

  constructor(client: ClientInstance, options: QueueLocksOptions) {
    this.#client = client;
    this.#options = options;
  }

  start(): void {
    void this.#run();
  }

  /** `undefined` when another member owns the queue, or a handler of this one still works on it. */
  async acquire(queue: MessageQueue): Promise<QueueLock | undefined> {
    const key = messageQueueKey(queue);
    if (this.#locks.has(key)) return undefined;
    const askedAtMs = performance.now();
    if (!(await this.#lock(queue.brokerName, [queue])).has(key)) return undefined;
    const lock = new QueueLock(queue, askedAtMs + this.#options.lockValidMs, (own) => this.#release(own));
    this.#locks.set(key, lock);
    return lock;
  }

  /** Ends the renewals. Locks that were not released run out at the broker. */
  close(): void {
    this.#closing.abort();
    for (const lock of this.#locks.values()) lock.disarm();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { lockRenewMs } = this.#options;
    let complete = true;
    while (!signal.aborted) {
      await pause(complete ? lockRenewMs : Math.ceil(lockRenewMs / HASTE), signal);
      if (!signal.aborted) complete = await this.#renewals.run();
    }
  }

  /** Whether every broker answered. */
  async #renew(): Promise<boolean> {
    const byBroker = new Map<string, QueueLock[]>();
    for (const lock of this.#locks.values()) {
      if (this.#releasing.has(lock) || !lock.isHeld()) continue;
      const { brokerName } = lock.queue;
      byBroker.set(brokerName, [...(byBroker.get(brokerName) ?? []), lock]);
    }
    const answered = await Promise.all([...byBroker].map(([broker, locks]) => this.#renewAt(broker, locks)));
    return answered.every(Boolean);
  }

  async #renewAt(brokerName: string, locks: readonly QueueLock[]): Promise<boolean> {
    const { group, logger, lockValidMs } = this.#options;
    const askedAtMs = performance.now();
    try {
      const queues = locks.map((lock) => lock.queue);
      const owned = await this.#lock(brokerName, queues);
      for (const lock of locks) {
        if (owned.has(messageQueueKey(lock.queue))) lock.extend(askedAtMs + lockValidMs);
        else lock.lose();
      }
      return true;
    } catch (error) {
      logger.warn('queue locks not renewed', {
        ...{ group, brokerName, queues: locks.length },
        error: messageOf(error),
      });
      return false;
    }
  }

  /** The keys of the queues this client owns afterwards. */
  async #lock(brokerName: string, queues: readonly MessageQueue[]): Promise<ReadonlySet<string>> {
    const [first] = queues;
    if (first === undefined) return new Set();
    const address = await this.#client.masterOf(first.topic, brokerName);
    const { lockedQueues } = await this.#client.request(address, commands.lockQueues, this.#request(queues));
    return new Set(lockedQueues.map(messageQueueKey));
  }

  async #release(lock: QueueLock): Promise<void> {
    const { queue } = lock;
    if (this.#releasing.has(lock)) return;
    this.#releasing.add(lock);
    // A renewal under way could otherwise be carried out after the release.
    await this.#renewals.idle();
    lock.disarm();
    try {
      // One that was lost may belong to somebody else; brokers leave the locks of others alone.
      const address = await this.#client.masterOf(queue.topic, queue.brokerName);
      await this.#client.request(address, commands.unlockQueues, this.#request([queue]));
    } catch (error) {
      const { group, logger } = this.#options;
      logger.warn('queue not unlocked, it will be free when its lock has run out', {
        ...{ group, ...queue },
        error: messageOf(error),
      });
    } finally {
      this.#locks.delete(messageQueueKey(queue));
      this.#releasing.delete(lock);
    }
  }

  #request(queues: readonly MessageQueue[]) {
    return { consumerGroup: this.#options.group, clientId: this.#client.clientId, queues: [...queues] };
  }
}
