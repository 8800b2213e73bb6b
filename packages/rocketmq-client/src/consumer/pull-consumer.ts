import {
  type CommandPayload,
  type ConsumerData,
  type MessageQueue,
  messageQueueKey,
  type RemotingCommand,
  SUBSCRIBE_ALL,
  type SubscriptionData,
  withNamespace,
} from '@dt/rocketmq-protocol';
import { ClientInstance, type RequestOptions } from '../client/index.ts';
import { messageOf, RocketMQError } from '../errors.ts';
import { integer, invalidOption } from '../options.ts';
import { ClosingTime } from '../timing/closing-time.ts';
import { endsWithin } from '../timing/pause.ts';
import { repeat } from '../timing/repeat.ts';
import { AssignedQueues, checkQueues } from './assigned-queues.ts';
import { answerBroker } from './broker-requests.ts';
import { cachedOf, ConsumerTelemetry } from './consumer-telemetry.ts';
import { consumeFromWhere, joinGroup } from './join-group.ts';
import type { StoredQueueOffset } from './offset-store.ts';
import { PauseSwitch } from './pause-switch.ts';
import { Polls } from './polls.ts';
import { PullBudget } from './pull-budget.ts';
import {
  type CheckedPullConsumerOptions,
  checkPullConsumerOptions,
  type PullConsumerOptions,
} from './pull-options.ts';
import { PullQueue } from './pull-queue.ts';
import { Puller } from './puller.ts';
import { type QueueLag, queueLag } from './queue-lag.ts';
import { BrokerOffsets } from './queue-offsets.ts';
import { Rebalancer } from './rebalancer.ts';
import { queueWithNamespace, queueWithoutNamespace, type ReceivedMessage } from './received-message.ts';
import { seekOffset, type SeekTarget } from './seek-offset.ts';
import { checkWithBrokers, type MessageFilter, filterData, subscriptionData } from './subscription.ts';

export interface PollOptions {
  /** @default 32 */
  maxMessages?: number;
  /** How long to wait for the first message. @default 1000 */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

const LONGEST_WAIT_MS = 0x7fffffff;

/**
 * Reads messages when its owner asks for them, as a member of a group (`subscriptions`) or from queues it is told
 * (`assign`). Messages are fetched ahead, within `maxBufferedMessages` and `maxBufferedBytes`. Delivery is at least
 * once: what is not committed comes again after a restart or a change of members.
 */
export class PullConsumer {
  readonly #options: CheckedPullConsumerOptions;
  readonly #client: ClientInstance;
  readonly #subVersion = Date.now();
  readonly #subscriptions: ReadonlyMap<string, SubscriptionData>;
  readonly #queues: Rebalancer<PullQueue> | AssignedQueues<PullQueue>;
  readonly #offsets: BrokerOffsets;
  readonly #telemetry: ConsumerTelemetry;
  readonly #budget: PullBudget;
  readonly #pauses = new PauseSwitch();
  readonly #closing = new AbortController();
  readonly #polls: Polls;
  #isStarted = false;
  #stopCommits: () => void = () => undefined;
  #starting: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  constructor(options: PullConsumerOptions) {
    this.#options = checkPullConsumerOptions(options);
    const { group, subscriptions, maxBufferedMessages, maxBufferedBytes } = this.#options;
    this.#subscriptions = new Map(
      subscriptions?.map((subscription) => [
        subscription.topic,
        subscriptionData(subscription, this.#subVersion),
      ]),
    );
    this.#budget = new PullBudget(maxBufferedMessages, maxBufferedBytes);
    this.#client = this.#newClient();
    this.#offsets = new BrokerOffsets(this.#client, group);
    this.#telemetry = new ConsumerTelemetry(this.#client, this.#options, (topic) =>
      cachedOf(this.#queues.queues, topic),
    );
    this.#queues =
      subscriptions === undefined
        ? new AssignedQueues()
        : new Rebalancer(this.#client, {
            group,
            topics: [...this.#subscriptions.keys()],
            rebalanceIntervalMs: this.#options.rebalanceIntervalMs,
            isBroadcast: false,
            allocate: this.#options.allocate,
            logger: this.#options.logger,
            openQueue: (queue) => this.#openQueue(queue, this.#subscriptions.get(queue.topic)),
          });
    this.#polls = new Polls(this.#queues, this.#telemetry, this.#options.autoCommit, this.#closing.signal);
  }

  get clientId(): string {
    return this.#client.clientId;
  }

  /** The queues this consumer reads now. */
  get queues(): MessageQueue[] {
    return this.#queues.queues.map(({ queue }) => this.#named(queue));
  }

  /**
   * Resolves when the consumer can be used; with `subscriptions` when the queues were shared out once. Fails with
   * `name-server-unreachable`, `access-denied`, `tls-failed`, and `broker-error` when a broker cannot filter by an
   * SQL92 subscription; it may then be called again.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** All queues of a topic that can be read. Fails with `topic-not-found`. */
  async topicQueues(topic: string): Promise<MessageQueue[]> {
    this.#assertUsable();
    const route = await this.#client.routes.refresh(withNamespace(topic, this.#options.namespace));
    return route.readableQueues.map((queue) => this.#named(queue));
  }

  /**
   * Reads these queues from now on, and no others; queues it reads already go on where they are. A failure leaves
   * everything as it was. `filter` chooses messages in queues that are new: `TagA || TagB`, or as a subscription does.
   *
   * @throws RocketMQError also `broker-error` when a broker cannot filter by an SQL92 expression.
   */
  async assign(
    queues: readonly MessageQueue[],
    filter: string | MessageFilter = SUBSCRIBE_ALL,
  ): Promise<void> {
    this.#assertUsable();
    if (!(this.#queues instanceof AssignedQueues))
      throw invalidOption('assign', 'assign', 'expected a consumer without subscriptions');
    const wanted = checkQueues(queues).map((queue) => this.#onWire(queue));
    const subscriptions = await this.#filters(
      wanted,
      typeof filter === 'string' ? { expression: filter } : filter,
    );
    this.#assertUsable();
    await this.#queues.assign(wanted, (queue) => this.#openQueue(queue, subscriptions.get(queue.topic)));
  }

  /**
   * The next messages of all queues in turn, in offset order within a queue; an empty list when none came in time. With
   * `autoCommit` the messages of the poll before count as done. One call at a time: another fails with `overloaded`.
   *
   * @throws RocketMQError `aborted` by the signal, `closed`, `access-denied` or `tls-failed` when a broker refuses pulls.
   */
  async poll(options: PollOptions = {}): Promise<ReceivedMessage[]> {
    const maxMessages = integer('maxMessages', options.maxMessages, 32, 1, 1_000_000);
    const timeoutMs = integer('timeoutMs', options.timeoutMs, 1000, 0, LONGEST_WAIT_MS);
    this.#assertUsable();
    return this.#polls.poll(maxMessages, timeoutMs, options.signal);
  }

  /**
   * Every message, one at a time, until the consumer is closed. With `autoCommit` a message counts as done when the
   * next one is asked for.
   *
   * @throws RocketMQError as `poll`.
   */
  async *messages({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<ReceivedMessage, void, void> {
    for (;;) {
      try {
        this.#assertUsable();
        const [message] = await this.#polls.poll(1, LONGEST_WAIT_MS, signal);
        if (message !== undefined) yield message;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        throw error;
      }
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<ReceivedMessage, void, void> {
    return this.messages();
  }

  /** Offset of the next message `poll` gives of this queue. */
  position(queue: MessageQueue): number {
    return this.#queueOf(queue).position;
  }

  /**
   * Goes on elsewhere in a queue. What was fetched of it is forgotten; the stored offset changes with a commit.
   *
   * @throws RocketMQError `bad-answer` when the broker tells an impossible offset; the consumer then goes on where it was.
   */
  async seek(queue: MessageQueue, target: SeekTarget, options: RequestOptions = {}): Promise<void> {
    this.#assertUsable();
    this.#queueOf(queue);
    const offset = await seekOffset(this.#client, this.#onWire(queue), target, options);
    this.#queueOf(queue).seek(offset);
  }

  /**
   * Tells the brokers how far the group is: behind everything that was polled, in all queues or in these, or at the
   * given offsets (of the first message that is not done).
   *
   * @throws RocketMQError when a broker does not answer or refuses; other queues may then be committed.
   */
  async commit(what?: readonly (MessageQueue | StoredQueueOffset)[]): Promise<void> {
    this.#assertUsable();
    const commits =
      what?.map((entry) => commitOf(entry, (queue) => this.#queueOf(queue))) ??
      this.#queues.queues.map((part) => ({ part, offset: part.position }));
    await Promise.all(commits.map(({ part, offset }) => part.commitAt(offset)));
  }

  /** What the broker has stored for the group; `undefined` when nothing. */
  async committed(queue: MessageQueue): Promise<number | undefined> {
    this.#assertUsable();
    return this.#offsets.stored(this.#onWire(queue), { youngIsZero: false });
  }

  /** How far each queue of this consumer is behind. */
  lag(): Promise<QueueLag[]> {
    return Promise.all(
      this.#queues.queues.map(async ({ queue, doneOffset }) => ({
        ...(await queueLag(this.#client, queue, doneOffset)),
        queue: this.#named(queue),
      })),
    );
  }

  /** Gives and fetches nothing of these queues, or of all, until `resume`; also when they are given away and come back. */
  pause(queues?: readonly MessageQueue[]): void {
    this.#pauses.set(
      true,
      queues?.map((queue) => this.#onWire(queue)),
    );
  }

  /** Goes on with these queues, or with all. */
  resume(queues?: readonly MessageQueue[]): void {
    this.#pauses.set(
      false,
      queues?.map((queue) => this.#onWire(queue)),
    );
    this.#polls.wake();
  }

  /**
   * Ends a poll that waits with `closed`, commits with `autoCommit` (but what the last poll gave only after a
   * `commit`), leaves the group; at most `closeTimeoutMs`.
   */
  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #newClient(): ClientInstance {
    const { group, subscriptions, from } = this.#options;
    const consumer: ConsumerData = {
      groupName: group,
      consumeType: 'CONSUME_ACTIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: consumeFromWhere(from),
      unitMode: false,
      subscriptions: [...this.#subscriptions.values()],
    };
    return new ClientInstance({
      ...this.#options,
      membership: { producerGroups: [], consumers: subscriptions === undefined ? [] : [consumer] },
      onRequest: (request) => this.#onRequest(request),
      onRouteChange: () => this.#requestRebalance(),
      onDisconnect: () => this.#requestRebalance(),
    });
  }

  async #start(): Promise<void> {
    if (this.#ending !== undefined) throw new RocketMQError('closed', 'the consumer is closed');
    await this.#client.start();
    if (this.#queues instanceof Rebalancer) {
      await joinGroup(this.#client, this.#options.group, this.#subscriptions, this.#options.logger);
      await this.#queues.start();
    }
    if (this.#closing.signal.aborted) throw new RocketMQError('closed', 'the consumer is closed');
    if (this.#options.autoCommit) {
      this.#stopCommits = repeat(
        this.#options.commitIntervalMs,
        () => this.#commitAll(),
        (error) => this.#warnCommit(error),
      );
    }
    this.#isStarted = true;
  }

  async #close(): Promise<void> {
    const { closeTimeoutMs, requestTimeoutMs, group, logger } = this.#options;
    const time = new ClosingTime(closeTimeoutMs, requestTimeoutMs);
    this.#closing.abort();
    this.#stopCommits();
    if (!(await endsWithin(this.#queues.close(), time.settleMs)))
      logger.warn('queues were not given back in time', { group });
    for (const topic of this.#topics) this.#telemetry.meter?.holds(topic);
    await this.#telemetry.close(time.leaveMs / 2);
    await this.#client.close(time.leaveMs);
  }

  async #openQueue(queue: MessageQueue, subscription: SubscriptionData | undefined): Promise<PullQueue> {
    if (subscription === undefined) throw new Error(`no subscription for ${messageQueueKey(queue)}`);
    const start = await this.#offsets.startOffset(queue, this.#options.from);
    return new PullQueue(queue, start, this.#options, {
      puller: new Puller(this.#client, queue, subscription, { ...this.#options, ownSubscription: true }),
      offsets: this.#offsets,
      pauses: this.#pauses,
      budget: this.#budget,
      heartbeat: () => this.#client.heartbeat(),
      onArrival: () => {
        this.#telemetry.meter?.holds(queue.topic);
        this.#polls.wake();
      },
    });
  }

  /** By topic. Brokers pull with what they cannot read as if it were `*`: they are asked before. */
  async #filters(
    queues: readonly MessageQueue[],
    filter: MessageFilter,
  ): Promise<ReadonlyMap<string, SubscriptionData>> {
    const topics = [...new Set(queues.map(({ topic }) => topic))];
    if (topics.length === 0) return new Map();
    const subscriptions = topics.map((topic) => filterData('filter', topic, filter, this.#subVersion));
    if (filter.type === 'SQL92') {
      await Promise.all(topics.map((topic) => this.#client.routes.get(topic)));
      await checkWithBrokers(this.#client, this.#options.group, subscriptions);
    }
    return new Map(subscriptions.map((subscription) => [subscription.topic, subscription]));
  }

  get #topics(): ReadonlySet<string> {
    return new Set([...this.#subscriptions.keys(), ...this.#queues.queues.map(({ queue }) => queue.topic)]);
  }

  #onWire(queue: MessageQueue): MessageQueue {
    return queueWithNamespace(queue, this.#options.namespace);
  }

  #named(queue: MessageQueue): MessageQueue {
    return queueWithoutNamespace(queue, this.#options.namespace);
  }

  async #commitAll(): Promise<void> {
    await Promise.all(
      this.#queues.queues.map((part) => part.commit().catch((error: unknown) => this.#warnCommit(error))),
    );
  }

  #warnCommit(error: unknown): void {
    this.#options.logger.warn('commit failed', { group: this.#options.group, error: messageOf(error) });
  }

  #queueOf(queue: MessageQueue): PullQueue {
    const found = this.#queues.find(this.#onWire(queue));
    if (found !== undefined) return found;
    throw invalidOption('queue', messageQueueKey(queue), 'expected a queue that this consumer reads now');
  }

  #assertUsable(): void {
    if (this.#ending !== undefined) throw new RocketMQError('closed', 'the consumer is closed');
    if (!this.#isStarted) throw new RocketMQError('not-started', 'the consumer is not started');
  }

  #requestRebalance(): void {
    if (this.#queues instanceof Rebalancer) this.#queues.request();
  }

  async #onRequest(request: RemotingCommand): Promise<CommandPayload | undefined> {
    return answerBroker(request, {
      group: this.#options.group,
      progress: this.#queues.queues.map(({ queue, doneOffset }) => ({ queue, offset: doneOffset })),
      rebalance: () => this.#requestRebalance(),
      resetTo: ({ queue, offset }) => this.#queues.find(queue)?.seek(offset),
    });
  }
}

function commitOf(
  entry: MessageQueue | StoredQueueOffset,
  queueOf: (queue: MessageQueue) => PullQueue,
): { part: PullQueue; offset: number } {
  if (!('offset' in entry)) {
    const part = queueOf(entry);
    return { part, offset: part.position };
  }
  const offset = integer('offset', entry.offset, 0, 0, Number.MAX_SAFE_INTEGER);
  return { part: queueOf(entry.queue), offset };
}
