import { RocketMQError } from '../errors.ts';
import { Gate } from '../timing/gate.ts';
import type { ConsumerTelemetry } from './consumer-telemetry.ts';
import type { PullQueue } from './pull-queue.ts';
import type { ReceivedMessage } from './received-message.ts';

/** Hands out what the queues of a pull consumer hold, one poll at a time. */
export class Polls {
  readonly #source: { readonly queues: readonly PullQueue[] };
  readonly #telemetry: ConsumerTelemetry;
  readonly #autoCommit: boolean;
  readonly #closing: AbortSignal;
  readonly #arrived = new Gate();
  /** With `autoCommit` the queues whose messages the last poll gave. */
  readonly #unsettled = new Set<PullQueue>();
  #turn = 0;
  #isPolling = false;

  constructor(
    source: { readonly queues: readonly PullQueue[] },
    telemetry: ConsumerTelemetry,
    autoCommit: boolean,
    closing: AbortSignal,
  ) {
    this.#source = source;
    this.#telemetry = telemetry;
    this.#autoCommit = autoCommit;
    this.#closing = closing;
  }

  /** Messages as soon as there are any, none when the time is over. */
  async poll(
    maxMessages: number,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<ReceivedMessage[]> {
    if (this.#isPolling)
      throw new RocketMQError('overloaded', 'another poll is under way', { retryable: true });
    this.#isPolling = true;
    try {
      this.#settle();
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        if (signal?.aborted === true)
          throw new RocketMQError('aborted', 'aborted by the caller', { cause: signal.reason });
        const messages = this.#take(maxMessages);
        const leftMs = Math.ceil(deadline - performance.now());
        if (messages.length > 0 || leftMs <= 0) return messages;
        await this.#wait(leftMs, signal);
        if (this.#closing.aborted) throw new RocketMQError('closed', 'the consumer is closed');
      }
    } finally {
      this.#isPolling = false;
    }
  }

  /** There may be something to take, or to tell. */
  wake(): void {
    this.#arrived.open();
  }

  async #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const wake = (): void => this.wake();
    signal?.addEventListener('abort', wake, { once: true });
    await this.#arrived.wait(this.#closing, ms);
    signal?.removeEventListener('abort', wake);
  }

  #settle(): void {
    for (const part of this.#unsettled) part.settle();
    this.#unsettled.clear();
  }

  /** Begins with another queue each time, so that none waits for ever behind a busy one. */
  #take(maxMessages: number): ReceivedMessage[] {
    const parts = this.#source.queues;
    const messages: ReceivedMessage[] = [];
    this.#turn++;
    for (let i = 0; i < parts.length && messages.length < maxMessages; i++) {
      const part = parts[(this.#turn + i) % parts.length];
      const taken = part?.take(maxMessages - messages.length) ?? [];
      if (part === undefined || taken.length === 0) continue;
      if (this.#autoCommit) this.#unsettled.add(part);
      for (const { message, bodyError } of taken) {
        if (bodyError !== undefined) message.bodyError = bodyError;
        messages.push(message);
      }
      this.#telemetry.handedOver(part.queue, taken);
    }
    return messages;
  }
}
