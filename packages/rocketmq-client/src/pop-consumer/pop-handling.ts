import { channels } from '../diagnostics.ts';
import { asRocketMQError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { linkedSignal } from '../timing/linked-signal.ts';
import { backoffMs, endsWithin, pause } from '../timing/pause.ts';
import { Slots } from '../timing/slots.ts';
import type { PopHandler } from './options.ts';
import type { PoppedEntry, PoppedMessage } from './popped-message.ts';
import type { Receipts } from './receipts.ts';

export interface PopHandlingOptions {
  group: string;
  handler: PopHandler;
  concurrency: number;
  batchSize: number;
  pollMs: number;
  maxReconsumeTimes: number;
  retryDelaysMs: readonly number[];
  popRetryPauseMs: number;
  logger: Logger;
}

type Take = (options: { maxMessages: number; waitMs: number; signal: AbortSignal }) => Promise<PoppedEntry[]>;

/** A longer timer would fire at once. */
const MAX_TIMER_MS = 0x7fffffff;

/** Hands messages to a handler, no more at a time than it may have, and settles their receipts. */
export class PopHandling {
  readonly #options: PopHandlingOptions;
  readonly #take: Take;
  readonly #receipts: Receipts;
  readonly #slots: Slots;
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  /** Fires when handlers had their time to end. */
  readonly #abandoned = new AbortController();
  #toAck: PoppedMessage[] = [];
  #acking: Promise<void> | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: PopHandlingOptions, take: Take, receipts: Receipts) {
    this.#options = options;
    this.#take = take;
    this.#receipts = receipts;
    this.#slots = new Slots(options.concurrency);
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
    while (this.#running.size > 0) await Promise.all(this.#running);
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
        for (const entry of entries) this.#start(entry, places.pop());
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

  #start(entry: PoppedEntry, release: (() => void) | undefined): void {
    const running = this.#handle(entry).finally(() => {
      this.#running.delete(running);
      release?.();
    });
    this.#running.add(running);
  }

  async #handle(entry: PoppedEntry): Promise<void> {
    const { message, bodyError } = entry;
    const startedAt = Date.now();
    let failure: unknown = bodyError === undefined ? undefined : new Error(bodyError);
    if (bodyError === undefined) {
      try {
        await this.#call(message);
      } catch (error) {
        failure = error ?? new Error('the handler threw nothing');
      }
    }
    if (channels.receive.hasSubscribers) {
      const { topic, queueId, brokerName } = message.queue;
      const group = { group: this.#options.group, topic, queueId, brokerName };
      channels.receive.publish({ ...group, messages: 1, durationMs: Date.now() - startedAt, error: failure });
    }
    if (failure === undefined) return this.ackSoon(message);
    try {
      await this.#giveBack(entry, failure);
    } catch (error) {
      // Its time goes on as it was: the message comes again, only not when it was meant to.
      this.#log('a failed message could not be put off', message, error);
    }
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

  async #giveBack(entry: PoppedEntry, failure: unknown): Promise<void> {
    const { message } = entry;
    const { maxReconsumeTimes, retryDelaysMs } = this.#options;
    if (message.reconsumeTimes >= maxReconsumeTimes) {
      this.#log('a message failed too often and is a dead letter now', message, failure);
      await this.#receipts.toDeadLetters(entry);
      return this.ackSoon(message);
    }
    this.#log('a handler failed', message, failure);
    const delayMs = retryDelaysMs[Math.min(message.reconsumeTimes, retryDelaysMs.length - 1)] ?? 0;
    await this.#receipts.changeInvisible(message, delayMs);
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
