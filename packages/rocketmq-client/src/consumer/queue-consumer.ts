import { type MessageQueue, ResponseCode } from '@dt/rocketmq-protocol';
import { channels } from '../diagnostics.ts';
import { asRocketMQError, messageOf, type RocketMQError } from '../errors.ts';
import { Coalesced } from '../timing/coalesced.ts';
import { Gate } from '../timing/gate.ts';
import { onAbort } from '../timing/on-abort.ts';
import { backoffMs, endsWithin, pause } from '../timing/pause.ts';
import type { Slots } from '../timing/slots.ts';
import { MessageWindow } from './message-window.ts';
import type { CheckedConsumerOptions } from './options.ts';
import type { PauseSwitch } from './pause-switch.ts';
import type { Puller } from './puller.ts';
import type { QueueLock } from './queue-lock.ts';
import type { QueueOffsets, StartOffset } from './queue-offsets.ts';
import type { CachedMessage } from './received-message.ts';
import type { SendBack } from './send-back.ts';

export interface QueueConsumerParts {
  puller: Puller;
  offsets: QueueOffsets;
  sendBack: SendBack;
  /** Handler calls at the same time, shared with the other queues. */
  slots: Slots;
  pauses: PauseSwitch;
  /** With queue locks. Given back at the end. */
  lock?: QueueLock | undefined;
  /** Brings the brokers up to date about this client. */
  heartbeat: () => Promise<unknown>;
}

/** Pause before messages that could neither be handled nor sent back are tried again. */
const KEPT_PAUSE_MS = 5000;
/** A handler gets this long to end after its signal has fired. */
const ABORT_GRACE_MS = 1000;
/** An empty answer that comes sooner was not held by the broker: asking again at once would be a busy loop. */
const HELD_MS = 50;
const NOT_HELD_PAUSE_MS = 200;

/** How long a request that timed out may lie in a busy broker before it is carried out. */
const DOUBT_MS = 20_000;

const OFFLINE: ReadonlySet<number | undefined> = new Set<number>([
  ResponseCode.SUBSCRIPTION_NOT_EXIST,
  ResponseCode.SUBSCRIPTION_NOT_LATEST,
  ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
]);

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
  readonly #arrived = new Gate();
  readonly #room = new Gate();
  readonly #commits = new Coalesced(() => this.#commit());
  /** `undefined`: the broker has stored none, so even an offset that has not moved must be told. */
  #committedOffset: number | undefined;
  /** Until then a commit whose answer never came may still overwrite a later one. */
  #doubtUntilMs = 0;
  /** Failed messages at the head of the window that come again, they alone. */
  #again: { epoch: number; attempts: number; count: number } | undefined;
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
    this.#committedOffset = start.stored ? start.offset : undefined;
    if (parts.lock !== undefined) onAbort(parts.lock.lost, () => this.#abandon());
  }

  /** Fires when the queue was lost to somebody else; it must then be stopped and opened anew. */
  get lost(): AbortSignal | undefined {
    return this.#parts.lock?.lost;
  }

  /** Everything before it is done. */
  get commitOffset(): number {
    return this.#window.commitOffset;
  }

  start(): void {
    this.#isStarted = true;
    const report = (error: unknown): void =>
      this.#log('error', 'queue stopped by a fault', { error: messageOf(error) });
    this.#pull().catch(report);
    this.#consuming = this.#consume().catch(report);
  }

  /** Tells the broker how far this queue is done, if that changed or what it knows is in doubt. */
  async commit(): Promise<void> {
    const isKnown = this.#window.commitOffset === this.#committedOffset && Date.now() >= this.#doubtUntilMs;
    if (!isKnown) await this.#commits.run();
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

  async #commit(): Promise<void> {
    // The next owner may be further by now.
    if (!this.#holdsLock()) return;
    const offset = this.#window.commitOffset;
    try {
      await this.#parts.offsets.commit(this.queue, offset);
    } catch (error) {
      if (asRocketMQError(error).outcome === 'unknown') this.#doubtUntilMs = Date.now() + DOUBT_MS;
      throw error;
    }
    this.#committedOffset = offset;
  }

  async #pull(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted && this.#holdsLock()) {
      if (this.#parts.pauses.isPaused(this.queue)) {
        await this.#parts.pauses.changed(signal);
        continue;
      }
      if (this.#isFull()) {
        await this.#room.wait(signal);
        continue;
      }
      try {
        await this.#pullOnce(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        await this.#onPullFailure(asRocketMQError(error), failures, signal);
      }
    }
  }

  async #pullOnce(signal: AbortSignal): Promise<void> {
    const startedAt = Date.now();
    const pulled = await this.#parts.puller.pull(this.#window.nextPullOffset, signal);
    if (signal.aborted) return;
    if (pulled.status === 'moved') {
      this.#log('warn', 'offset moved by the broker', {
        from: this.#window.nextPullOffset,
        to: pulled.nextOffset,
      });
      this.#window.reset(pulled.nextOffset);
      // Otherwise a restart would begin at the offset the broker has just refused.
      await this.#commits.run();
      return;
    }
    // Only a broker that says "moved" may lead backwards.
    const nextOffset = Math.max(pulled.nextOffset, this.#window.nextPullOffset);
    const advanced = nextOffset > this.#window.nextPullOffset;
    this.#window.append(pulled.messages, nextOffset);
    if (pulled.messages.length > 0) this.#arrived.open();
    else if (!advanced && Date.now() - startedAt < HELD_MS) await pause(NOT_HELD_PAUSE_MS, signal);
  }

  async #onPullFailure(failure: RocketMQError, failures: number, signal: AbortSignal): Promise<void> {
    const { pullRetryPauseMs } = this.#options;
    this.#log('warn', 'pull failed', { error: failure.message });
    if (OFFLINE.has(failure.responseCode)) {
      // The broker knows another state of this group, or none: one heartbeat puts it right.
      await this.#parts.heartbeat();
      await pause(backoffMs(failures + 1, pullRetryPauseMs / 5, pullRetryPauseMs * 4), signal);
      return;
    }
    await pause(backoffMs(failures + 1, pullRetryPauseMs, pullRetryPauseMs * 4), signal);
  }

  #isFull(): boolean {
    const { maxCachedMessages, maxCachedBytes } = this.#options;
    return this.#window.count >= maxCachedMessages || this.#window.bytes >= maxCachedBytes;
  }

  async #consume(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (this.#window.count === 0) {
        await this.#arrived.wait(signal);
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
        release();
      }
      if (pauseMs > 0) await pause(pauseMs, signal);
    }
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
    const failure = await this.#handle(batch, attempt);
    // Reset or given away meanwhile: what was done counts for nothing here.
    if (epoch !== this.#window.epoch || !this.#holdsLock() || this.#abandoned.signal.aborted) return 0;
    if (failure === undefined) {
      this.#window.done(batch.length);
      this.#room.open();
      return 0;
    }
    const { queueOffset } = batch[0]?.message ?? {};
    this.#log('warn', 'handler failed', {
      queueOffset,
      messages: batch.length,
      attempt,
      error: messageOf(failure),
    });
    const { onError, suspendMs, maxReconsumeTimes } = this.#options;
    if (onError === 'drop' && attempt > maxReconsumeTimes) return this.#drop(batch);
    this.#again = { epoch, attempts: attempt, count: batch.length };
    return onError === 'sendBack' ? this.#sendBack(batch, epoch) : suspendMs;
  }

  #drop(batch: readonly CachedMessage[]): number {
    const messageIds = batch.map(({ message }) => message.messageId);
    const { queueOffset } = batch[0]?.message ?? {};
    this.#log('error', 'messages dropped', { queueOffset, messageIds });
    this.#window.done(batch.length);
    this.#room.open();
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

  async #sendBack(batch: readonly CachedMessage[], epoch: number): Promise<number> {
    // Not committed, so the next owner of the queue gets them; sent back they would come twice.
    if (this.#stopping.signal.aborted) return this.#options.suspendMs;
    const kept = await this.#parts.sendBack.run(this.queue, batch);
    if (epoch !== this.#window.epoch) return 0;
    this.#window.done(batch.length, kept);
    this.#room.open();
    if (kept.length === 0) this.#again = undefined;
    else if (this.#again !== undefined) this.#again.count = kept.length;
    return kept.length > 0 ? KEPT_PAUSE_MS : 0;
  }

  /** The failure, or `undefined`. */
  async #handle(batch: readonly CachedMessage[], attempt: number): Promise<unknown> {
    const startedAt = Date.now();
    let failure: unknown;
    try {
      const messages = batch.map((cached) => cached.message);
      await this.#options.handler(messages, { queue: this.queue, signal: this.#abandoned.signal, attempt });
    } catch (error) {
      failure = error ?? new Error('the handler failed without a reason');
    }
    if (channels.receive.hasSubscribers) {
      const { topic, queueId, brokerName } = this.queue;
      channels.receive.publish({
        ...{ group: this.#options.group, topic, queueId, brokerName },
        ...{ messages: batch.length, durationMs: Date.now() - startedAt, error: failure },
      });
    }
    return failure;
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
