import { commands, isRetryTopic, type MessageQueue, messageQueueKey } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { channels } from '../diagnostics.ts';
import { asRocketMQError, messageOf, RocketMQError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { consumerAddress, type TopicRoute } from '../routes/index.ts';
import { Gate } from '../timing/gate.ts';
import { onAbort } from '../timing/on-abort.ts';
import { backoffMs, pause } from '../timing/pause.ts';
import type { AllocationStrategy } from './allocation.ts';

/** A queue while it belongs to this consumer. */
export interface OwnedQueue {
  readonly queue: MessageQueue;
  /** Fires when it was lost to somebody else; it must then be stopped and opened anew. */
  readonly lost?: AbortSignal | undefined;
  start(): void;
  /** Resolves when its progress is told, so that the next owner starts at the right place. */
  stop(): Promise<void>;
}

export interface RebalancerOptions<Owned extends OwnedQueue> {
  group: string;
  /** Those of the subscriptions and the retry topic. */
  topics: readonly string[];
  rebalanceIntervalMs: number;
  /** Every member has all queues. */
  isBroadcast: boolean;
  allocate: AllocationStrategy;
  logger: Logger;
  /**
   * Finds out where a queue starts and makes its consumer; not yet started. `undefined` while somebody else still
   * owns its lock.
   */
  openQueue: (queue: MessageQueue) => Promise<Owned | undefined>;
}

/** Notices come in swarms when several members start; each would share out the same queues. */
const MIN_SPACING_MS = 200;
const RETRY_MS = 1000;
/** The member that had a queue learns at the same time that it must give it away, and needs a moment to commit. */
const HANDOVER_MS = 500;

/** Keeps the queues of this consumer what the group's members agree on. */
export class Rebalancer<Owned extends OwnedQueue> {
  readonly #client: ClientInstance;
  readonly #options: RebalancerOptions<Owned>;
  readonly #queues = new Map<string, Owned>();
  readonly #closing = new AbortController();
  readonly #requested = new Gate();
  #isRequested = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(client: ClientInstance, options: RebalancerOptions<Owned>) {
    this.#client = client;
    this.#options = options;
  }

  get queues(): Owned[] {
    return [...this.#queues.values()];
  }

  find(queue: MessageQueue): Owned | undefined {
    return this.#queues.get(messageQueueKey(queue));
  }

  /** Shares out once, then goes on in the background. */
  async start(): Promise<void> {
    const balanced = await this.#rebalance();
    this.#loop = this.#run(balanced);
  }

  /** Soon, because something changed. */
  request(): void {
    this.#isRequested = true;
    this.#requested.open();
  }

  /** Gives all queues back, each with its last commit. */
  async close(): Promise<void> {
    this.#closing.abort();
    // At once: a sharing out under way may have to wait for a broker.
    const stopped = this.#stopAll([...this.#queues.keys()]);
    await this.#loop;
    await Promise.all([stopped, this.#stopAll([...this.#queues.keys()])]);
  }

  async #run(balancedAtStart: boolean): Promise<void> {
    const { signal } = this.#closing;
    let failures = balancedAtStart ? 0 : 1;
    while (!signal.aborted) {
      const { rebalanceIntervalMs } = this.#options;
      const waitMs =
        failures === 0 ? rebalanceIntervalMs : backoffMs(failures + 1, RETRY_MS, rebalanceIntervalMs);
      if (!this.#isRequested) await this.#requested.wait(signal, waitMs);
      if (signal.aborted) return;
      this.#isRequested = false;
      failures = (await this.#rebalance()) ? 0 : failures + 1;
      await pause(MIN_SPACING_MS, signal);
    }
  }

  /** Whether every topic is now as it should be. */
  async #rebalance(): Promise<boolean> {
    const results = await Promise.all(
      this.#options.topics.map(async (topic) => {
        try {
          return await this.#rebalanceTopic(topic);
        } catch (error) {
          const { code, message } = asRocketMQError(error);
          if (!this.#closing.signal.aborted) {
            // The retry topic appears with the first heartbeat only.
            const level = code === 'topic-not-found' && isRetryTopic(topic) ? 'debug' : 'warn';
            this.#options.logger[level]('rebalance failed', {
              group: this.#options.group,
              topic,
              error: message,
            });
          }
          return false;
        }
      }),
    );
    return results.every(Boolean);
  }

  async #rebalanceTopic(topic: string): Promise<boolean> {
    const route = await this.#client.routes.get(topic);
    const { clientId } = this.#client;
    const members = this.#options.isBroadcast ? [clientId] : await this.#members(route);
    const isMember = members.includes(clientId);
    const mine = this.#share(route, members);
    const wanted = new Map(mine.map((queue) => [messageQueueKey(queue), queue]));
    const held = [...this.#queues]
      .filter(([, consumer]) => consumer.queue.topic === topic)
      .map(([key]) => key);
    const removed = held.filter((key) => !wanted.has(key));
    const added = [...wanted].filter(([key]) => !this.#queues.has(key));
    if (removed.length > 0 || added.length > 0) this.#report(topic, mine, added.length, removed.length);
    const [opened] = await Promise.all([this.#openAll(added, members.length > 1), this.#stopAll(removed)]);
    // A broker that has just come back does not know this client yet.
    if (!isMember) await this.#client.heartbeat();
    return isMember && opened.every(Boolean);
  }

  #share(route: TopicRoute, members: readonly string[]): readonly MessageQueue[] {
    const { group, isBroadcast, allocate } = this.#options;
    const { clientId } = this.#client;
    const queues = route.readableQueues;
    if (isBroadcast) return queues;
    if (queues.length === 0 || !members.includes(clientId)) return [];
    const mine = allocate({ group, clientId, queues, clientIds: members });
    const known = new Set(queues.map(messageQueueKey));
    const unknown = mine.find((queue) => !known.has(messageQueueKey(queue)));
    if (unknown === undefined) return mine;
    throw new RocketMQError(
      'options-invalid',
      `allocate: gave ${messageQueueKey(unknown)}, which is not there`,
    );
  }

  async #members(route: TopicRoute): Promise<string[]> {
    const addresses = [...route.brokers.keys()].flatMap(
      (brokerName) => consumerAddress(route, brokerName) ?? [],
    );
    const address = addresses[Math.floor(Math.random() * addresses.length)];
    if (address === undefined) {
      throw new RocketMQError('broker-not-found', `topic ${route.topic} has no broker`, { retryable: true });
    }
    const request = { consumerGroup: this.#options.group };
    const { clientIds } = await this.#client.request(address, commands.getConsumerListByGroup, request);
    // A broker lists a client once a connection, also by one that it does not yet know to be lost.
    return [...new Set(clientIds)].sort();
  }

  async #openAll(added: readonly (readonly [string, MessageQueue])[], shared: boolean): Promise<boolean[]> {
    if (added.length > 0 && shared) await pause(HANDOVER_MS, this.#closing.signal);
    return Promise.all(added.map(([key, queue]) => this.#open(key, queue)));
  }

  async #open(key: string, queue: MessageQueue): Promise<boolean> {
    if (this.#closing.signal.aborted) return true;
    try {
      const consumer = await this.#options.openQueue(queue);
      if (consumer === undefined) {
        this.#options.logger.debug('queue still locked', { ...queue, group: this.#options.group });
        return false;
      }
      if (this.#closing.signal.aborted) {
        await consumer.stop();
        return true;
      }
      this.#queues.set(key, consumer);
      consumer.start();
      if (consumer.lost !== undefined) onAbort(consumer.lost, () => void this.#onLost(key, consumer));
      return true;
    } catch (error) {
      this.#options.logger.warn('queue not started', {
        ...queue,
        group: this.#options.group,
        error: messageOf(error),
      });
      return false;
    }
  }

  /** A queue leaves the table when it is stopped, so it cannot be opened again before its last commit. */
  async #stopAll(keys: readonly string[]): Promise<void> {
    await Promise.all(
      keys.map(async (key) => {
        const consumer = this.#queues.get(key);
        await consumer?.stop();
        if (this.#queues.get(key) === consumer) this.#queues.delete(key);
      }),
    );
  }

  /** The others may still agree that the queue is ours: then it is opened again, at the offset stored by then. */
  async #onLost(key: string, consumer: Owned): Promise<void> {
    if (this.#queues.get(key) !== consumer) return;
    await this.#stopAll([key]);
    this.request();
  }

  #report(topic: string, queues: readonly MessageQueue[], added: number, removed: number): void {
    const { group, logger } = this.#options;
    const event = { group, topic, queues: queues.length, added, removed };
    logger.info('queues shared out', event);
    if (channels.rebalance.hasSubscribers) channels.rebalance.publish(event);
  }
}
