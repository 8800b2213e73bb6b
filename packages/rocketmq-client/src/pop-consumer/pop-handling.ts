import { messageQueueKey } from '@dt/rocketmq-protocol';
import type { ConsumerTelemetry } from '../consumer/consumer-telemetry.ts';
import { channels } from '../diagnostics.ts';
import { asRocketMQError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { KeyedLanes } from '../producer/keyed-lanes.ts';
import { linkedSignal } from '../timing/linked-signal.ts';
import { backoffMs, endsWithin, pause } from '../timing/pause.ts';
import { Slots } from '../timing/slots.ts';
import type { PopHandler } from './options.ts';
import { byQueue, type PoppedEntry, type PoppedMessage } from './popped-message.ts';
import type { Receipts } from './receipts.ts';

export interface PopHandlingOptions {
  group: string;
  handler: PopHandler;
  order: boolean;
  concurrency: number;
  batchSize: number;
  pollMs: number;
  maxReconsumeTimes: number;
  retryDelaysMs: readonly number[];
  popRetryPauseMs: number;
  logger: Logger;
}

type Take = (options: { maxMessages: number; waitMs: number; signal: AbortSignal }) => Promise<PoppedEntry[]>;

export interface PopHandlingParts {
  take: Take;
  receipts: Receipts;
  telemetry: ConsumerTelemetry;
}

/** A longer timer would fire at once. */
const MAX_TIMER_MS = 0x7fffffff;
/** The shortest time a message can be put off for. */
const AT_ONCE_MS = 1;

/** Hands messages to a handler, no more at a time than it may have, and settles their receipts. */
export class PopHandling {
  readonly #options: PopHandlingOptions;
  readonly #take: Take;
  readonly #telemetry: ConsumerTelemetry;
  readonly #receipts: Receipts;
  readonly #slots: Slots;
  /** With `order` the queues that have something to do. */
  readonly #lanes = new KeyedLanes();
  readonly #tasks = new Set<Promise<void>>();
  readonly #running = new Set<PoppedEntry>();
  readonly #stopping = new AbortController();
  /** Fires when handlers had their time to end. */
  readonly #abandoned = new AbortController();
  #toAck: PoppedMessage[] = [];
  #acking: Promise<void> | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: PopHandlingOptions, { take, receipts, telemetry }: PopHandlingParts) {
    this.#options = options;
    this.#take = take;
    this.#receipts = receipts;
    this.#telemetry = telemetry;
    this.#slots = new Slots(options.concurrency);
  }

  /** What was given to the handler, or is about to be. */
  get running(): Iterable<PoppedEntry> {
    return this.#running;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Acknowledges soon, together with what else is done by then. A failure is logged: the message comes again. */
  ackSoon(message: PoppedMessage): void {
    this.#toAck.push(message);
    this.#acking ??= this.#ackAll().finally(() => (this.#acking = undefined));
  }

  /** Takes no more, gives running handlers so long to end, then fires their signals. */
  async close(graceMs: number): Promise<void> {
    this.#stopping.abort();
    if (!(await endsWithin(this.#settled(), graceMs))) {
      const { logger, group } = this.#options;
      logger.warn('handlers did not end in time', { group, running: this.#running.size });
    }
    this.#abandoned.abort();
  }

  async #settled(): Promise<void> {
    await this.#loop;
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    while (this.#acking !== undefined) await this.#acking;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { batchSize, pollMs, popRetryPauseMs, logger, group } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      const places = await this.#acquire(batchSize, signal);
      if (places.length === 0) return;
      try {
        const entries = await this.#take({ maxMessages: places.length, waitMs: pollMs, signal });
        const parts = this.#options.order
          ? byQueue(entries).map((part) => part.entries)
          : entries.map((entry) => [entry]);
        for (const part of parts) this.#start(part, places.pop());
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        logger.warn('no messages can be popped', { group, error: messageOf(error) });
        await pause(backoffMs(failures + 1, popRetryPauseMs, 4 * popRetryPauseMs), signal);
      } finally {
        for (const release of places) release();
      }
    }
  }

  /** As many places as are free, at least one. */
  async #acquire(max: number, signal: AbortSignal): Promise<(() => void)[]> {
    const first = await this.#slots.acquire(signal);
    if (first === undefined) return [];
    const places = [first];
    for (let next; places.length < max && (next = this.#slots.tryAcquire()) !== undefined;) places.push(next);
    return places;
  }

  #start(entries: readonly PoppedEntry[], release: (() => void) | undefined): void {
    for (const entry of entries) this.#running.add(entry);
    const task = this.#handleAll(entries).finally(() => {
      for (const entry of entries) this.#ends(entry);
      this.#tasks.delete(task);
      release?.();
    });
    this.#tasks.add(task);
  }

  async #handleAll(entries: readonly PoppedEntry[]): Promise<void> {
    const [first] = entries;
    if (first === undefined) return;
    if (!this.#options.order) await this.#handle(first);
    // What was popped of the queue before, and is over its time, may still have a handler that runs.
    else await this.#lanes.run(messageQueueKey(first.queue), () => this.#handleInOrder(entries));
  }

  /** None passes by one that failed: the broker keeps the queue until the last of them may be given again. */
  async #handleInOrder(entries: readonly PoppedEntry[]): Promise<void> {
    for (const [index, entry] of entries.entries()) {
      // Another member may have it.
      if (Date.now() >= entry.message.invisibleUntil) return;
      if (this.#stopping.signal.aborted) return this.#putOffAll(entries.slice(index), AT_ONCE_MS);
      const putOffMs = await this.#handle(entry);
      if (putOffMs !== undefined) return this.#putOffAll(entries.slice(index + 1), putOffMs);
      this.#ends(entry);
    }
  }

  async #putOffAll(entries: readonly PoppedEntry[], delayMs: number): Promise<void> {
    await Promise.all(entries.map(({ message }) => this.#putOff(message, delayMs)));
  }

  /** Gives the time for which a message that failed was put off; `undefined` for one that is done. */
  async #handle(entry: PoppedEntry): Promise<number | undefined> {
    const { message, bodyError, queue } = entry;
    const startedAt = Date.now();
    let failure: unknown = bodyError === undefined ? undefined : new Error(bodyError);
    if (bodyError === undefined) {
      const { meter, tracer } = this.#telemetry;
      const traceEnd = tracer?.begins([entry]);
      meter?.begins(queue.topic, [entry]);
      try {
        await this.#call(message);
      } catch (error) {
        failure = error ?? new Error('the handler threw nothing');
      }
      const isLate = Date.now() >= message.invisibleUntil;
      traceEnd?.(isLate ? 'timeout' : failure === undefined ? 'success' : 'exception');
      meter?.ended(queue.topic, Date.now() - startedAt, failure === undefined);
    }
    if (channels.receive.hasSubscribers) {
      const { topic, queueId, brokerName } = queue;
      const group = { group: this.#options.group, topic, queueId, brokerName };
      channels.receive.publish({ ...group, messages: 1, durationMs: Date.now() - startedAt, error: failure });
    }
    if (failure !== undefined) return this.#giveBack(entry, failure);
    this.ackSoon(message);
    return undefined;
  }

  #ends(entry: PoppedEntry): void {
    if (this.#running.delete(entry)) this.#telemetry.meter?.holds(entry.queue.topic);
  }

  /** With a signal that follows the time of the message, also when it is changed. */
  async #call(message: PoppedMessage): Promise<void> {
    const over = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const watch = (): void => {
      const leftMs = message.invisibleUntil - Date.now();
      if (leftMs <= 0) over.abort();
      else timer = setTimeout(watch, Math.min(leftMs, MAX_TIMER_MS));
    };
    watch();
    const { signal, unlink } = linkedSignal([over.signal, this.#abandoned.signal]);
    try {
      await this.#options.handler(message, {
        signal,
        changeInvisible: (invisibleMs) => this.#receipts.changeInvisible(message, invisibleMs),
      });
    } finally {
      clearTimeout(timer);
      unlink();
    }
  }

  async #giveBack(entry: PoppedEntry, failure: unknown): Promise<number | undefined> {
    const { message } = entry;
    const { maxReconsumeTimes, retryDelaysMs } = this.#options;
    const delayMs = retryDelaysMs[Math.min(message.reconsumeTimes, retryDelaysMs.length - 1)] ?? 0;
    if (message.reconsumeTimes < maxReconsumeTimes) {
      this.#log('a handler failed', message, failure);
      await this.#putOff(message, delayMs);
      return delayMs;
    }
    this.#log('a message failed too often and is a dead letter now', message, failure);
    try {
      await this.#receipts.toDeadLetters(entry);
    } catch (error) {
      this.#log('a message could not be made a dead letter, it comes again', message, error);
      return delayMs;
    }
    this.ackSoon(message);
    return undefined;
  }

  async #putOff(message: PoppedMessage, delayMs: number): Promise<void> {
    try {
      await this.#receipts.changeInvisible(message, delayMs);
    } catch (error) {
      // Its time goes on as it was: the message comes again, only not when it was meant to.
      this.#log('a message could not be put off', message, error);
    }
  }

  async #ackAll(): Promise<void> {
    // What ends in the same turn of the event loop goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#toAck.length > 0) {
      const messages = this.#toAck.splice(0);
      try {
        await this.#receipts.ack(messages);
      } catch (error) {
        const { logger, group } = this.#options;
        const { code } = asRocketMQError(error);
        logger.warn('messages that are done could not be acknowledged', {
          ...{ group, messages: messages.length, code, error: messageOf(error) },
        });
      }
    }
  }

  #log(what: string, { messageId, topic, reconsumeTimes }: PoppedMessage, error: unknown): void {
    const { logger, group } = this.#options;
    logger.warn(what, { group, topic, messageId, reconsumeTimes, error: messageOf(error) });
  }
}
