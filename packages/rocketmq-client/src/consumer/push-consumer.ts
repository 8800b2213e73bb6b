import {
  type CommandPayload,
  type commands,
  type MessageQueue,
  messageQueueKey,
  type RemotingCommand,
  retryTopic,
  SUBSCRIBE_ALL,
  type SubscriptionData,
} from '@dt/rocketmq-protocol';
import { ClientInstance } from '../client/index.ts';
import { messageOf, RocketMQError } from '../errors.ts';
import { QueueSelector } from '../producer/queue-selector.ts';
import { Sender } from '../producer/sender.ts';
import { ClosingTime } from '../timing/closing-time.ts';
import { endsWithin } from '../timing/pause.ts';
import { repeat } from '../timing/repeat.ts';
import { Slots } from '../timing/slots.ts';
import { answerBroker } from './broker-requests.ts';
import { ConsumeStatistics } from './consume-statistics.ts';
import { cachedOf, ConsumerTelemetry } from './consumer-telemetry.ts';
import { answerInspection } from './inspection.ts';
import { consumeFromWhere, joinGroup } from './join-group.ts';
import { LocalOffsets } from './local-offsets.ts';
import { type CheckedConsumerOptions, checkConsumerOptions, type PushConsumerOptions } from './options.ts';
import { PauseSwitch } from './pause-switch.ts';
import { Puller } from './puller.ts';
import { QueueConsumer } from './queue-consumer.ts';
import { type QueueLag, queueLag } from './queue-lag.ts';
import type { QueueLock } from './queue-lock.ts';
import { QueueLocks } from './queue-locks.ts';
import { BrokerOffsets, type QueueOffsets } from './queue-offsets.ts';
import { queueWithNamespace, queueWithoutNamespace } from './received-message.ts';
import { Rebalancer } from './rebalancer.ts';
import { SendBack } from './send-back.ts';
import { runningInfo } from './running-info.ts';
import { type Subscription, subscriptionData } from './subscription.ts';

/**
 * Receives the messages of topics together with the other members of its group: each queue belongs to one member at
 * a time; or, broadcasting, all messages. Delivery is at least once: after a crash or a change of members some messages come again.
 */
export class PushConsumer {
  readonly #options: CheckedConsumerOptions;
  readonly #client: ClientInstance;
  readonly #subscriptions: ReadonlyMap<string, SubscriptionData>;
  readonly #rebalancer: Rebalancer<QueueConsumer>;
  readonly #offsets: QueueOffsets;
  /** Only with `queueLocks`. */
  readonly #locks: QueueLocks | undefined;
  readonly #sendBack: SendBack;
  readonly #slots: Slots;
  readonly #pauses = new PauseSwitch();
  readonly #telemetry: ConsumerTelemetry;
  readonly #statistics = new ConsumeStatistics();
  readonly #closing = new AbortController();
  #startedAt = 0;
  #stopCommits: () => void = () => undefined;
  #starting: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  constructor(options: PushConsumerOptions) {
    this.#options = checkConsumerOptions(options);
    const { group } = this.#options;
    this.#subscriptions = subscriptionsOf(this.#options);
    this.#client = new ClientInstance({
      ...this.#options,
      membership: {
        producerGroups: [],
        consumers: [
          {
            groupName: group,
            consumeType: 'CONSUME_PASSIVELY',
            messageModel: this.#options.model === 'broadcasting' ? 'BROADCASTING' : 'CLUSTERING',
            consumeFromWhere: consumeFromWhere(this.#options.from),
            unitMode: false,
            subscriptions: [...this.#subscriptions.values()],
          },
        ],
      },
      onRequest: (request) => this.#onRequest(request),
      onRouteChange: () => this.#rebalancer.request(),
      // The broker has taken this client out of the group: what belongs to whom may have changed.
      onDisconnect: () => this.#rebalancer.request(),
    });
    this.#telemetry = new ConsumerTelemetry(this.#client, this.#options, (topic) =>
      cachedOf(this.#rebalancer.queues, topic),
    );
    this.#slots = new Slots(this.#options.concurrency);
    const { offsetStore } = this.#options;
    this.#offsets = offsetStore
      ? new LocalOffsets(this.#client, offsetStore)
      : new BrokerOffsets(this.#client, group);
    this.#locks = this.#options.queueLocks ? new QueueLocks(this.#client, this.#options) : undefined;
    const senderOptions = { group, maxAttempts: 3, retryPauseMs: 100, defaultTopicQueueNums: 1 };
    const sender = new Sender(this.#client, new QueueSelector(), senderOptions, this.#closing.signal);
    this.#sendBack = new SendBack(this.#client, sender, this.#options);
    this.#rebalancer = new Rebalancer(this.#client, {
      group,
      topics: [...this.#subscriptions.keys()],
      rebalanceIntervalMs: this.#options.rebalanceIntervalMs,
      isBroadcast: this.#options.model === 'broadcasting',
      allocate: this.#options.allocate,
      logger: this.#options.logger,
      openQueue: (queue) => this.#openQueue(queue),
    });
  }

  get clientId(): string {
    return this.#client.clientId;
  }

  /** The queues that belong to this consumer now, those of the retry topic among them. */
  get queues(): MessageQueue[] {
    const { namespace } = this.#options;
    return this.#rebalancer.queues.map(({ queue }) => queueWithoutNamespace(queue, namespace));
  }

  /**
   * Resolves when the group knows this consumer and its queues were shared out once. Fails with
   * `name-server-unreachable` when no NameServer answers, with `access-denied` when a broker refuses the
   * credentials, with `tls-failed`, and with `broker-error` when a broker cannot filter by an SQL92 subscription; it
   * may then be called again. A topic that does not exist yet is waited for in the background.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /**
   * Starts no further handler call and no further pull, for these queues or for all; calls that run go on. The queues
   * stay with this consumer, and so do messages it already holds. Lasts until `resume`, also for queues that are given
   * away and come back. A message after its `suspendMs` waits, too.
   */
  pause(queues?: readonly MessageQueue[]): void {
    this.#pauses.set(true, this.#onWire(queues));
  }

  /** Goes on with these queues, or with all. */
  resume(queues?: readonly MessageQueue[]): void {
    this.#pauses.set(false, this.#onWire(queues));
  }

  /**
   * How far each queue of this consumer is behind, those of the retry topic among them.
   *
   * @throws RocketMQError when a broker does not answer.
   */
  lag(): Promise<QueueLag[]> {
    return Promise.all(
      this.#rebalancer.queues.map(async ({ queue, commitOffset }) => {
        const lag = await queueLag(this.#client, queue, commitOffset);
        return { ...lag, queue: queueWithoutNamespace(queue, this.#options.namespace) };
      }),
    );
  }

  /** Lets running handlers end, commits, leaves the group; at most `closeTimeoutMs`. */
  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(): Promise<void> {
    this.#assertOpen();
    await this.#client.start();
    await joinGroup(this.#client, this.#options.group, this.#subscriptions, this.#options.logger);
    // The first heartbeat makes the broker create the retry topic.
    const retry = retryTopic(this.#options.group);
    if (this.#subscriptions.has(retry)) await this.#client.routes.refresh(retry).catch(() => undefined);
    this.#assertOpen();
    this.#stopCommits = repeat(
      this.#options.commitIntervalMs,
      () => this.#commitAll(),
      (error) => {
        this.#options.logger.warn('commit failed', { error: messageOf(error) });
      },
    );
    this.#locks?.start();
    this.#startedAt = Date.now();
    await this.#rebalancer.start();
  }

  #assertOpen(): void {
    if (this.#ending !== undefined) throw new RocketMQError('closed', 'the consumer is closed');
  }

  async #close(): Promise<void> {
    const { closeTimeoutMs, requestTimeoutMs } = this.#options;
    const time = new ClosingTime(closeTimeoutMs, requestTimeoutMs);
    this.#stopCommits();
    if (!(await endsWithin(this.#rebalancer.close(), time.settleMs)))
      this.#options.logger.warn('queues were not given back in time', { group: this.#options.group });
    this.#locks?.close();
    for (const topic of this.#subscriptions.keys()) this.#telemetry.meter?.holds(topic);
    this.#closing.abort();
    await this.#telemetry.close(time.leaveMs / 2);
    await this.#client.close(time.leaveMs);
  }

  #onWire(queues: readonly MessageQueue[] | undefined): readonly MessageQueue[] | undefined {
    const { namespace } = this.#options;
    return queues?.map((queue) => queueWithNamespace(queue, namespace));
  }

  async #commitAll(): Promise<void> {
    await Promise.all(
      this.#rebalancer.queues.map((consumer) =>
        consumer.commit().catch((error: unknown) => {
          this.#options.logger.warn('commit failed', { ...consumer.queue, error: messageOf(error) });
        }),
      ),
    );
  }

  async #openQueue(queue: MessageQueue): Promise<QueueConsumer | undefined> {
    if (this.#locks === undefined) return this.#openWith(queue, undefined);
    const lock = await this.#locks.acquire(queue);
    if (lock === undefined) return undefined;
    try {
      return await this.#openWith(queue, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  async #openWith(queue: MessageQueue, lock: QueueLock | undefined): Promise<QueueConsumer> {
    const subscription = this.#subscriptions.get(queue.topic);
    if (subscription === undefined) throw new Error(`no subscription for ${messageQueueKey(queue)}`);
    const start = await this.#offsets.startOffset(queue, this.#options.from);
    return new QueueConsumer(queue, start, this.#options, {
      puller: new Puller(this.#client, queue, subscription, this.#options),
      offsets: this.#offsets,
      sendBack: this.#sendBack,
      slots: this.#slots,
      pauses: this.#pauses,
      lock,
      tracer: this.#telemetry.tracer,
      meter: this.#telemetry.meter,
      statistics: this.#statistics,
      heartbeat: () => this.#client.heartbeat(),
    });
  }

  async #onRequest(request: RemotingCommand): Promise<CommandPayload | undefined> {
    const answer = answerBroker(request, {
      group: this.#options.group,
      progress: this.#rebalancer.queues.map(({ queue, commitOffset }) => ({ queue, offset: commitOffset })),
      rebalance: () => this.#rebalancer.request(),
      resetTo: ({ queue, offset }) => this.#rebalancer.find(queue)?.resetTo(offset),
    });
    if (answer !== undefined) return answer;
    return answerInspection(request, {
      options: this.#options,
      slots: this.#slots,
      closing: this.#closing.signal,
      runningInfo: (withStack) => this.#runningInfo(withStack),
    });
  }

  #runningInfo(withStack: boolean): commands.ConsumerRunningInfo {
    const parts = {
      options: this.#options,
      nameServers: this.#client.nameServers.addresses,
      startedAt: this.#startedAt,
      subscriptions: [...this.#subscriptions.values()],
      topics: [...this.#subscriptions.keys()].map((topic) => this.#statistics.status(topic)),
      queues: this.#rebalancer.queues.map(({ runningInfo, activity }) => ({ info: runningInfo, activity })),
    };
    return runningInfo(parts, withStack);
  }
}

function subscriptionsOf(options: CheckedConsumerOptions): ReadonlyMap<string, SubscriptionData> {
  const subVersion = Date.now();
  const all: Subscription[] = [...options.subscriptions];
  // Nothing is ever sent back to one member of many.
  if (options.model === 'clustering')
    all.push({ topic: retryTopic(options.group), expression: SUBSCRIBE_ALL });
  return new Map(all.map((subscription) => [subscription.topic, subscriptionData(subscription, subVersion)]));
}
