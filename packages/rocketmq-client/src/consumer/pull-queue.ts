import type { MessageQueue } from '@dt/rocketmq-protocol';
import { messageOf, type RocketMQError } from '../errors.ts';
import type { Cached } from './consumer-meter.ts';
import { MessageWindow } from './message-window.ts';
import type { PauseSwitch } from './pause-switch.ts';
import type { PullBudget } from './pull-budget.ts';
import type { CheckedPullConsumerOptions } from './pull-options.ts';
import type { Puller } from './puller.ts';
import { QueueCommits } from './queue-commits.ts';
import { QueueFeed } from './queue-feed.ts';
import type { QueueOffsets, StartOffset } from './queue-offsets.ts';
import type { CachedMessage } from './received-message.ts';

export interface PullQueueParts {
  puller: Puller;
  offsets: QueueOffsets;
  pauses: PauseSwitch;
  budget: PullBudget;
  heartbeat: () => Promise<unknown>;
  /** There is something to take, or a failure to tell. */
  onArrival: () => void;
}

/** One queue while a pull consumer reads it: filled in the background, emptied by `take`. */
export class PullQueue {
  readonly queue: MessageQueue;
  readonly #options: CheckedPullConsumerOptions;
  readonly #parts: PullQueueParts;
  readonly #window: MessageWindow;
  readonly #feed: QueueFeed;
  readonly #commits: QueueCommits;
  readonly #stopping = new AbortController();
  /** Offset of the first message that was taken and is not done yet. */
  #takenFrom: number | undefined;
  #held = { messages: 0, bytes: 0 };
  #failure: RocketMQError | undefined;
  #stopped: Promise<void> | undefined;

  constructor(
    queue: MessageQueue,
    start: StartOffset,
    options: CheckedPullConsumerOptions,
    parts: PullQueueParts,
  ) {
    this.queue = queue;
    this.#options = options;
    this.#parts = parts;
    this.#window = new MessageWindow(start.offset);
    this.#commits = new QueueCommits(queue, start, parts.offsets, () => this.doneOffset);
    this.#feed = new QueueFeed(
      queue,
      this.#window,
      options,
      {
        ...parts,
        mayPull: () => true,
        // Every queue may hold one answer, so that one that is not read cannot starve the others.
        isFull: () => this.#window.count > 0 && parts.budget.isSpent,
        onMoved: async () => this.#forget(),
        onFailure: (failure) => this.#onFailure(failure),
      },
      parts.budget.room,
    );
  }

  /** Of the next message that will be taken. */
  get position(): number {
    return this.#window.commitOffset;
  }

  /** Everything before it was taken and is done. */
  get doneOffset(): number {
    return this.#takenFrom ?? this.position;
  }

  /** What is held and was not taken. */
  get cached(): Cached {
    return { messages: this.#window.count, bytes: this.#window.bytes };
  }

  start(): void {
    const { signal } = this.#stopping;
    void this.#watchArrivals(signal);
    this.#feed.run(signal).catch((error: unknown) => {
      const { group, logger } = this.#options;
      logger.error('queue stopped by a fault', { group, ...this.queue, error: messageOf(error) });
    });
  }

  /** Ends pulling, forgets what is held and, with `autoCommit`, tells how far the queue is done. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** The next messages; they are not done before `settle`. Throws a failure that only the caller can do something about. */
  take(maxMessages: number): CachedMessage[] {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    if (this.#parts.pauses.isPaused(this.queue)) return [];
    const { position } = this;
    const taken = this.#window.head(maxMessages);
    if (taken.length === 0) return taken;
    this.#takenFrom ??= position;
    this.#window.done(taken.length);
    this.#account();
    return taken;
  }

  /** What was taken is done. */
  settle(): void {
    this.#takenFrom = undefined;
  }

  seek(offset: number): void {
    this.#feed.seek(offset);
    this.#forget();
  }

  /** Tells how far the queue is done, if that changed. */
  commit(): Promise<void> {
    return this.#commits.commit();
  }

  /** Tells that everything before `offset` is done. */
  async commitAt(offset: number): Promise<void> {
    this.#takenFrom = offset === this.position ? undefined : offset;
    await this.#commits.tell();
  }

  async #stop(): Promise<void> {
    const { autoCommit, group, logger } = this.#options;
    const { doneOffset } = this;
    this.#stopping.abort();
    this.#window.reset(doneOffset);
    this.#takenFrom = undefined;
    this.#account();
    if (!autoCommit) return;
    await this.commit().catch((error: unknown) => {
      logger.warn('last commit failed, some messages will come twice', {
        ...{ group, ...this.queue },
        error: messageOf(error),
      });
    });
  }

  async #watchArrivals(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#feed.arrived.wait(signal);
      if (signal.aborted) return;
      this.#account();
      this.#parts.onArrival();
    }
  }

  /** The window went to another offset: what was taken belongs to the past. */
  #forget(): void {
    this.#takenFrom = undefined;
    this.#account();
  }

  #account(): void {
    const { count: messages, bytes } = this.#window;
    this.#parts.budget.change(messages - this.#held.messages, bytes - this.#held.bytes);
    this.#held = { messages, bytes };
  }

  #onFailure(failure: RocketMQError): void {
    if (failure.code !== 'access-denied' && failure.code !== 'tls-failed') return;
    this.#failure = failure;
    this.#parts.onArrival();
  }
}
