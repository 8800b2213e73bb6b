import { type MessageQueue, ResponseCode } from '@dt/rocketmq-protocol';
import { asRocketMQError, messageOf, type RocketMQError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { Gate } from '../timing/gate.ts';
import { onAbort } from '../timing/on-abort.ts';
import { backoffMs, pause } from '../timing/pause.ts';
import type { MessageWindow } from './message-window.ts';
import type { PauseSwitch } from './pause-switch.ts';
import type { Pulled, Puller } from './puller.ts';

export interface QueueFeedOptions {
  group: string;
  pullRetryPauseMs: number;
  logger: Logger;
}

export interface QueueFeedParts {
  puller: Puller;
  pauses: PauseSwitch;
  /** Brings the brokers up to date about this client. */
  heartbeat: () => Promise<unknown>;
  /** Asked before every pull; `false` ends the feed. */
  mayPull: () => boolean;
  /** While it is, nothing is pulled until `room` opens. */
  isFull: () => boolean;
  /** The broker led to another offset, and the window is there. */
  onMoved: () => Promise<void>;
  onFailure?: (failure: RocketMQError) => void;
  /** A pull begins. */
  onPull?: () => void;
  /** A pull found messages. */
  onMessages?: (messages: number, durationMs: number) => void;
}

/** An empty answer that comes sooner was not held by the broker: asking again at once would be a busy loop. */
const HELD_MS = 50;
const NOT_HELD_PAUSE_MS = 200;
/** An empty answer that leads on by less passed over hardly anything. */
const SMALL_STEP = 32;
/** Longest pause after such a step: a message behind many of them is late by no more. */
const MAX_STEP_PAUSE_MS = 50;

const OFFLINE: ReadonlySet<number | undefined> = new Set<number>([
  ResponseCode.SUBSCRIPTION_NOT_EXIST,
  ResponseCode.SUBSCRIPTION_NOT_LATEST,
  ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
]);

/** Pulls the messages of one queue into its window, one request at a time. */
export class QueueFeed {
  /** Opens when the window got messages. */
  readonly arrived = new Gate();
  /** To be opened when the window has room again. */
  readonly room: Gate;
  readonly #queue: MessageQueue;
  readonly #window: MessageWindow;
  readonly #options: QueueFeedOptions;
  readonly #parts: QueueFeedParts;
  /** Ends the request under way. */
  #pulling = new AbortController();
  /** Ends the request that was under way at the last seek. */
  #left: AbortController | undefined;
  #movedAt = Number.NEGATIVE_INFINITY;
  /** Small steps one after the other. */
  #smallSteps = 0;
  /** Ends the wait for the request under way. */
  #leave: (pulled: undefined) => void = () => undefined;

  constructor(
    queue: MessageQueue,
    window: MessageWindow,
    options: QueueFeedOptions,
    parts: QueueFeedParts,
    room = new Gate(),
  ) {
    this.#queue = queue;
    this.#window = window;
    this.#options = options;
    this.#parts = parts;
    this.room = room;
  }

  /** Ends when the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    onAbort(signal, () => {
      this.#pulling.abort();
      this.#left?.abort();
    });
    let failures = 0;
    while (!signal.aborted && this.#parts.mayPull()) {
      if (this.#parts.pauses.isPaused(this.#queue)) {
        await this.#parts.pauses.changed(signal);
        continue;
      }
      if (this.#parts.isFull()) {
        await this.room.wait(signal);
        continue;
      }
      const { epoch } = this.#window;
      try {
        await this.#pullOnce(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (epoch !== this.#window.epoch) continue;
        failures++;
        await this.#onFailure(asRocketMQError(error), failures, signal);
      }
    }
  }

  /** Goes on at another offset, whatever is under way. */
  seek(offset: number): void {
    this.#window.reset(offset);
    this.#left?.abort();
    this.#left = this.#pulling;
    this.#pulling = new AbortController();
    this.#leave(undefined);
    this.room.open();
  }

  async #pullOnce(signal: AbortSignal): Promise<void> {
    const startedAt = Date.now();
    const { epoch } = this.#window;
    const pulled = await this.#pull();
    if (pulled === undefined || signal.aborted || epoch !== this.#window.epoch) return;
    if (pulled.status === 'moved' || pulled.status === 'reset') {
      this.#log('offset moved by the broker', {
        from: this.#window.nextPullOffset,
        to: pulled.nextOffset,
      });
      this.#window.reset(pulled.nextOffset);
      await this.#parts.onMoved();
      // Once is a trim of the queue or a reset; a broker that goes on like this is not followed at its speed.
      if (Date.now() - this.#movedAt < NOT_HELD_PAUSE_MS) await pause(NOT_HELD_PAUSE_MS, signal);
      this.#movedAt = Date.now();
      return;
    }
    // Only a broker that says "moved" may lead backwards.
    const nextOffset = Math.max(pulled.nextOffset, this.#window.nextPullOffset);
    const advancedBy = nextOffset - this.#window.nextPullOffset;
    const durationMs = Date.now() - startedAt;
    this.#window.append(pulled.messages, nextOffset);
    if (pulled.messages.length > 0) {
      this.#parts.onMessages?.(pulled.messages.length, durationMs);
      this.arrived.open();
    }
    if (pulled.messages.length > 0 || durationMs >= HELD_MS) this.#smallSteps = 0;
    else await this.#pace(advancedBy, signal);
  }

  /**
   * Java's clients follow every empty answer at once, and so does this one while it leads over many messages, as in a
   * backlog of other tags. A broker that leads on one by one would have them spin for as long as the queue lasts: after
   * the first of such steps there are pauses, in which more of a real queue gathers for one answer.
   */
  async #pace(advancedBy: number, signal: AbortSignal): Promise<void> {
    if (advancedBy === 0) return pause(NOT_HELD_PAUSE_MS, signal);
    if (advancedBy >= SMALL_STEP) this.#smallSteps = 0;
    else if (this.#smallSteps++ > 0) await pause(Math.min(MAX_STEP_PAUSE_MS, 2 ** this.#smallSteps), signal);
  }

  /** `undefined` when it was left for another offset. */
  #pull(): Promise<Pulled | undefined> {
    this.#parts.onPull?.();
    const { epoch, nextPullOffset } = this.#window;
    const pulled = this.#parts.puller.pull(nextPullOffset, this.#pulling.signal);
    return new Promise((resolve, reject) => {
      // No closure of this call: V8 would keep each for the next, and with it the messages of the answer.
      this.#leave = resolve;
      pulled.then(
        (answer) => (epoch === this.#window.epoch ? resolve(answer) : this.#onLateAnswer(answer)),
        reject,
      );
    });
  }

  /** A broker tells a reset once, to whichever pull it is that waits there. */
  #onLateAnswer(answer: Pulled): void {
    if (answer.status !== 'reset') return;
    this.#log('offset moved by the broker', { from: this.#window.nextPullOffset, to: answer.nextOffset });
    this.seek(answer.nextOffset);
    this.#parts.onMoved().catch((error: unknown) => this.#log('commit failed', { error: messageOf(error) }));
  }

  async #onFailure(failure: RocketMQError, failures: number, signal: AbortSignal): Promise<void> {
    const { pullRetryPauseMs } = this.#options;
    this.#log('pull failed', { error: failure.message });
    this.#parts.onFailure?.(failure);
    if (OFFLINE.has(failure.responseCode)) {
      // The broker knows another state of this group, or none: one heartbeat puts it right.
      await this.#parts.heartbeat();
      await pause(backoffMs(failures + 1, pullRetryPauseMs / 5, pullRetryPauseMs * 4), signal);
      return;
    }
    await pause(backoffMs(failures + 1, pullRetryPauseMs, pullRetryPauseMs * 4), signal);
  }

  #log(message: string, fields: Record<string, unknown>): void {
    const { group, logger } = this.#options;
    logger.warn(message, { group, ...this.#queue, ...fields });
  }
}
