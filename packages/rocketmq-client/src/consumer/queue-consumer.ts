import type { commands, MessageQueue, TraceConsumeResult } from '@dt/rocketmq-protocol';
import { channels } from '../diagnostics.ts';
import { messageOf } from '../errors.ts';
import { onAbort } from '../timing/on-abort.ts';
import { endsWithin, pause } from '../timing/pause.ts';
import type { Slots } from '../timing/slots.ts';
import type { ConsumeStatistics } from './consume-statistics.ts';
import type { Cached, ConsumerMeter } from './consumer-meter.ts';
import type { ConsumeTracer } from '../trace/index.ts';
import { callHandler, type HandlerOutcome } from './handler-call.ts';
import { MessageWindow } from './message-window.ts';
import type { CheckedConsumerOptions } from './options.ts';
import type { PauseSwitch } from './pause-switch.ts';
import type { Puller } from './puller.ts';
import { QueueActivity } from './queue-activity.ts';
import { QueueCommits } from './queue-commits.ts';
import { QueueFeed } from './queue-feed.ts';
import type { QueueLock } from './queue-lock.ts';
import type { QueueOffsets, StartOffset } from './queue-offsets.ts';
import { type CachedMessage, queueWithoutNamespace } from './received-message.ts';
import { FIRST_RETRY_LEVEL, type SendBack } from './send-back.ts';

export interface QueueConsumerParts {
  puller: Puller;
  offsets: QueueOffsets;
  sendBack: SendBack;
  /** Handler calls at the same time, shared with the other queues. */
  slots: Slots;
  pauses: PauseSwitch;
  /** With queue locks. Given back at the end. */
  lock?: QueueLock | undefined;
  /** Only with message traces. */
  tracer?: ConsumeTracer | undefined;
  /** Only with a hook for metrics. */
  meter?: ConsumerMeter | undefined;
  statistics: ConsumeStatistics;
  /** Brings the brokers up to date about this client. */
  heartbeat: () => Promise<unknown>;
}

/** Pause before messages that could neither be handled nor sent back are tried again. */
const KEPT_PAUSE_MS = 5000;
/** A handler gets this long to end after its signal has fired. */
const ABORT_GRACE_MS = 1000;
/**
 * One queue while it belongs to this consumer: one task pulls messages into the window, one hands them to the
 * handler, in offset order, one call at a time.
 */
export class QueueConsumer {
  readonly queue: MessageQueue;
  readonly #options: CheckedConsumerOptions;
  readonly #parts: QueueConsumerParts;
  readonly #window: MessageWindow;
  /** Ends pulling and the start of handler calls. */
  readonly #stopping = new AbortController();
  /** Tells a handler that it runs no longer for us. */
  readonly #abandoned = new AbortController();
  readonly #feed: QueueFeed;
  readonly #commits: QueueCommits;
  readonly #activity = new QueueActivity();
  /** Failed messages at the head of the window that come again, they alone. */
  #again: { epoch: number; attempts: number; count: number } | undefined;
  /** The call just given up because it took too long; resolves when it ends. */
  #overdue: Promise<unknown> | undefined;
  #consuming: Promise<void> = Promise.resolve();
  #isStarted = false;
  #stopped: Promise<void> | undefined;

  constructor(
    queue: MessageQueue,
    start: StartOffset,
    options: CheckedConsumerOptions,
    parts: QueueConsumerParts,
  ) {
    this.queue = queue;
    this.#options = options;
    this.#parts = parts;
    this.#window = new MessageWindow(start.offset);
    this.#feed = new QueueFeed(queue, this.#window, options, {
      puller: parts.puller,
      pauses: parts.pauses,
      heartbeat: parts.heartbeat,
      mayPull: () => this.#holdsLock(),
      isFull: () => this.#isFull(),
      // Otherwise a restart would begin at the offset the broker has just refused.
      onMoved: () => this.#commits.tell(),
      onPull: () => (this.#activity.lastPullAt = Date.now()),
      onMessages: (messages, durationMs) => parts.statistics.pulled(queue.topic, messages, durationMs),
    });
    this.#commits = new QueueCommits(
      queue,
      start,
      parts.offsets,
      () => this.#window.commitOffset,
      () => this.#holdsLock(),
    );
    if (parts.lock !== undefined) onAbort(parts.lock.lost, () => this.#abandon());
  }

  /** Fires when the queue was lost to somebody else; it must then be stopped and opened anew. */
  get lost(): AbortSignal | undefined {
    return this.#parts.lock?.lost;
  }

  /** What is held and not done. */
  get cached(): Cached {
    return { messages: this.#window.count, bytes: this.#window.bytes };
  }

  /** Everything before it is done. */
  get commitOffset(): number {
    return this.#window.commitOffset;
  }

  get runningInfo(): commands.RunningQueue {
    const { count, bytes, commitOffset, lastOffset = 0 } = this.#window;
    return {
      queue: this.queue,
      commitOffset,
      cachedMessages: count,
      cachedMinOffset: count === 0 ? 0 : commitOffset,
      cachedMaxOffset: lastOffset,
      cachedMebibytes: Math.floor(bytes / 1_048_576),
      locked: this.#parts.lock?.isHeld() ?? false,
      dropped: this.#stopping.signal.aborted,
      lastLockTimestamp: this.#parts.lock?.lockedAt ?? 0,
      lastPullTimestamp: this.#activity.lastPullAt,
      lastConsumeTimestamp: this.#activity.lastHandledAt,
    };
  }

  /** What it does now, in words. */
  get activity(): string {
    return this.#activity.describe(this.#parts.pauses.isPaused(this.queue), this.#window.count);
  }

  start(): void {
    this.#isStarted = true;
    const report = (error: unknown): void =>
      this.#log('error', 'queue stopped by a fault', { error: messageOf(error) });
    this.#feed.run(this.#stopping.signal).catch(report);
    this.#consuming = this.#consume().catch(report);
  }

  /** Tells the broker how far this queue is done, if that changed or what it knows is in doubt. */
  commit(): Promise<void> {
    this.#parts.meter?.holds(this.queue.topic);
    return this.#commits.commit();
  }

  /**
   * Forgets what it has of the queue and goes on at this offset, which is told to the broker. A handler that runs ends
   * first; what it did counts for nothing here.
   */
  resetTo(offset: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#log('warn', 'offset reset on request', { from: this.commitOffset, to: offset });
    this.#feed.seek(offset);
    this.#commits.tell().catch((error: unknown) => {
      this.#log('warn', 'commit failed', { error: messageOf(error) });
    });
  }

  /**
   * Stops pulling, lets the running handler end within the grace (then its signal fires), and tells the broker how
   * far the queue is done. Resolves when that is answered, so that the next owner starts at the right place.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    const handlerEnded = await this.#handlerEnds();
    this.#abandoned.abort();
    try {
      if (this.#isStarted) await this.commit();
    } catch (error) {
      this.#log('warn', 'last commit failed, some messages will come twice', { error: messageOf(error) });
    }
    const { lock } = this.#parts;
    if (lock === undefined) return;
    if (handlerEnded) await lock.release();
    // Nobody else may begin while it still works on the queue.
    else void this.#consuming.then(lock.release);
  }

  async #handlerEnds(): Promise<boolean> {
    const { handlerGraceMs } = this.#options;
    if (!this.#abandoned.signal.aborted) {
      if (await endsWithin(this.#consuming, handlerGraceMs)) return true;
      this.#log('warn', 'handler did not end in time', { graceMs: handlerGraceMs });
      this.#abandoned.abort();
    }
    return endsWithin(this.#consuming, ABORT_GRACE_MS);
  }

  #abandon(): void {
    this.#log('warn', 'queue lock lost, what its handler does no longer counts', {});
    this.#stopping.abort();
    this.#abandoned.abort();
  }

  /** Without queue locks the group's agreement is all there is. */
  #holdsLock(): boolean {
    return this.#parts.lock?.isHeld() ?? true;
  }

  #isFull(): boolean {
    const { maxCachedMessages, maxCachedBytes } = this.#options;
    return this.#window.count >= maxCachedMessages || this.#window.bytes >= maxCachedBytes;
  }

  async #consume(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (this.#window.count === 0) {
        await this.#feed.arrived.wait(signal);
        continue;
      }
      if (this.#parts.pauses.isPaused(this.queue)) {
        await this.#parts.pauses.changed(signal);
        continue;
      }
      const release = await this.#parts.slots.acquire(signal);
      if (release === undefined) return;
      let pauseMs: number;
      try {
        if (!this.#holdsLock()) return;
        // Paused while it waited for its place.
        if (this.#parts.pauses.isPaused(this.queue)) continue;
        pauseMs = await this.#consumeBatch();
      } finally {
        // A call that goes on after its time keeps its place, or there could be any number of them.
        const overdue = this.#takeOverdue();
        if (overdue === undefined) release();
        else void overdue.then(release);
      }
      if (pauseMs > 0) await pause(pauseMs, signal);
    }
  }

  #takeOverdue(): Promise<unknown> | undefined {
    const overdue = this.#overdue;
    this.#overdue = undefined;
    return overdue;
  }

  /** Pause before the same messages come again; 0 when they are done with. */
  async #consumeBatch(): Promise<number> {
    const { epoch } = this.#window;
    const again = this.#again?.epoch === epoch ? this.#again : undefined;
    this.#again = undefined;
    const attempt = (again?.attempts ?? 0) + 1;
    const head = this.#window.head(again?.count ?? this.#options.batchSize);
    const unreadable = head.findIndex((cached) => cached.bodyError !== undefined);
    if (unreadable === 0) return this.#setAside(head.slice(0, 1), epoch);
    const batch = unreadable < 0 ? head : head.slice(0, unreadable);
    const outcome = await this.#handle(batch, attempt);
    if (outcome.status === 'overdue') this.#overdue = outcome.ended;
    // Reset or given away meanwhile: what was done counts for nothing here.
    if (epoch !== this.#window.epoch || !this.#holdsLock() || this.#abandoned.signal.aborted) return 0;
    if (outcome.status === 'done') {
      this.#window.done(batch.length);
      this.#feed.room.open();
      return 0;
    }
    const failed = outcome.status === 'failed' ? outcome.failed : batch;
    const { queueOffset } = failed[0]?.message ?? {};
    const { onError, suspendMs, maxReconsumeTimes, consumeTimeoutMs } = this.#options;
    if (outcome.status === 'overdue') {
      const fields = { queueOffset, messages: failed.length, consumeTimeoutMs };
      this.#log('warn', 'handler takes too long, its messages are sent back', fields);
    } else {
      const fields = { queueOffset, messages: failed.length, attempt, error: messageOf(outcome.error) };
      this.#log('warn', 'handler failed', fields);
    }
    // Those that are done leave; the failed ones stand at the head, in their order.
    this.#window.done(batch.length, failed);
    this.#feed.room.open();
    if (onError === 'drop' && attempt > maxReconsumeTimes) return this.#drop(failed);
    this.#again = { epoch, attempts: attempt, count: failed.length };
    if (onError !== 'sendBack') return suspendMs;
    return this.#sendBack(failed, epoch, outcome.status === 'overdue' ? FIRST_RETRY_LEVEL : 0);
  }

  #drop(batch: readonly CachedMessage[]): number {
    const messageIds = batch.map(({ message }) => message.messageId);
    const { queueOffset } = batch[0]?.message ?? {};
    this.#log('error', 'messages dropped', { queueOffset, messageIds });
    this.#window.done(batch.length);
    this.#feed.room.open();
    return 0;
  }

  /**
   * A message whose body cannot be read goes the broker's way to the dead letters in both modes, or is dropped when
   * broadcasting: waiting for it would hold its queue for ever.
   */
  #setAside(batch: readonly CachedMessage[], epoch: number): Promise<number> | number {
    const [{ message, bodyError } = {}] = batch;
    this.#log('error', 'message cannot be read', {
      queueOffset: message?.queueOffset,
      messageId: message?.messageId,
      error: bodyError,
    });
    return this.#options.model === 'broadcasting' ? this.#drop(batch) : this.#sendBack(batch, epoch);
  }

  async #sendBack(batch: readonly CachedMessage[], epoch: number, delayLevel = 0): Promise<number> {
    // Not committed, so the next owner of the queue gets them; sent back they would come twice.
    if (this.#stopping.signal.aborted) return this.#options.suspendMs;
    const kept = await this.#parts.sendBack.run(this.queue, batch, delayLevel);
    if (epoch !== this.#window.epoch) return 0;
    this.#window.done(batch.length, kept);
    this.#feed.room.open();
    if (kept.length === 0) this.#again = undefined;
    else if (this.#again !== undefined) this.#again.count = kept.length;
    return kept.length > 0 ? KEPT_PAUSE_MS : 0;
  }

  async #handle(batch: readonly CachedMessage[], attempt: number): Promise<HandlerOutcome> {
    const startedAt = Date.now();
    const { handler, onError, consumeTimeoutMs, group, namespace } = this.#options;
    const { meter, tracer } = this.#parts;
    const traceEnd = tracer?.begins(batch);
    meter?.begins(this.queue.topic, batch);
    const queueOffset = batch[0]?.message.queueOffset ?? 0;
    this.#activity.begins({ messages: batch.length, queueOffset, attempt });
    const outcome = await callHandler(batch, {
      ...{ handler, queue: queueWithoutNamespace(this.queue, namespace) },
      ...{ attempt, abandoned: this.#abandoned.signal },
      timeoutMs: onError === 'sendBack' ? consumeTimeoutMs : undefined,
    });
    traceEnd?.(resultOf(outcome, batch));
    const durationMs = Date.now() - startedAt;
    const failed = outcome.status === 'failed' ? outcome.failed.length : batch.length;
    this.#activity.ended();
    this.#parts.statistics.handled(
      this.queue.topic,
      batch.length,
      outcome.status === 'done' ? 0 : failed,
      durationMs,
    );
    meter?.ended(this.queue.topic, durationMs, outcome.status === 'done');
    if (channels.receive.hasSubscribers) {
      const { topic, queueId, brokerName } = this.queue;
      const error = outcome.status === 'overdue' ? new Error('overdue') : undefined;
      channels.receive.publish({
        ...{ group, topic, queueId, brokerName },
        ...{ messages: batch.length, durationMs },
        error: outcome.status === 'failed' ? outcome.error : error,
      });
    }
    return outcome;
  }

  #log(level: 'warn' | 'error', message: string, fields: Record<string, unknown>): void {
    const { topic, brokerName, queueId } = this.queue;
    this.#options.logger[level](message, {
      group: this.#options.group,
      topic,
      brokerName,
      queueId,
      ...fields,
    });
  }
}

/** As RocketMQ's clients write it into message traces. */
function resultOf(outcome: HandlerOutcome, batch: readonly CachedMessage[]): TraceConsumeResult {
  if (outcome.status === 'done') return 'success';
  if (outcome.status === 'overdue') return 'timeout';
  return outcome.failed.length < batch.length ? 'failed' : 'exception';
}
