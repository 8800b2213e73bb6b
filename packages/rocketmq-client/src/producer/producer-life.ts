import type { ClientInstance } from '../client/index.ts';
import { SendError } from '../errors.ts';
import { integer } from '../options.ts';
import { endsWithin } from '../timing/pause.ts';
import type { CheckedProducerOptions } from './options.ts';
import { SendWindow } from './send-window.ts';

type LifeOptions = Pick<
  CheckedProducerOptions,
  | 'maxPendingMessages'
  | 'maxPendingBytes'
  | 'whenFull'
  | 'sendTimeoutMs'
  | 'closeTimeoutMs'
  | 'requestTimeoutMs'
>;

/** What has to do with the end of a producer besides its calls. */
export interface ProducerParts {
  /** Ends all waiting for more. */
  drain?: () => void;
  /** Resolves when it has nothing to do. */
  settled?: () => Promise<unknown>;
  /** The last use of the connections; bounded. */
  flush?: (() => Promise<void>) | undefined;
}

export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Start and end of a producer, of either kind, and the bounds of what is under way in between. */
export class ProducerLife {
  readonly window: SendWindow;
  readonly #client: ClientInstance;
  readonly #options: LifeOptions;
  readonly #parts: ProducerParts;
  readonly #closing = new AbortController();
  #state: 'new' | 'started' | 'closed' = 'new';
  #starting: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  constructor(client: ClientInstance, options: LifeOptions, parts: ProducerParts = {}) {
    this.window = new SendWindow(options);
    this.#client = client;
    this.#options = options;
    this.#parts = parts;
  }

  /** Fires when the time that `close` waits is over, with the error of what is left. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** Waits for the calls under way, at most `closeTimeoutMs`; then rejects what is left. */
  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  checkUsable(): void {
    if (this.#state === 'started') return;
    if (this.#state === 'new')
      throw new SendError('not-started', 'call start() before sending', { retryable: true });
    throw new SendError('closed', 'the producer is closed', { retryable: true });
  }

  /** The time-out of one call with its wait for room. */
  timeoutMs(given: number | undefined): number {
    return given === undefined
      ? this.#options.sendTimeoutMs
      : integer('timeoutMs', given, this.#options.sendTimeoutMs, 1, 0x7fffffff);
  }

  /** Runs a call when there is room for it. */
  async run<T>(messages: number, bytes: number, limits: CallLimits, call: () => Promise<T>): Promise<T> {
    const room = this.window.enter(messages, bytes, limits);
    if (room !== undefined) await room;
    try {
      return await call();
    } finally {
      this.window.leave(messages, bytes);
    }
  }

  async #start(): Promise<void> {
    if (this.#state === 'closed') throw new SendError('closed', 'the producer is closed');
    await this.#client.start();
    if (this.#state === 'new') this.#state = 'started';
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    this.#parts.drain?.();
    const idle = Promise.all([this.window.idle(), this.#parts.settled?.()]);
    await endsWithin(idle, this.#options.closeTimeoutMs);
    const error = new SendError('closed', 'the producer was closed', { retryable: true });
    this.window.refuseWaiting(error);
    this.#closing.abort(error);
    await this.#parts.flush?.();
    await this.#client.close(this.#options.requestTimeoutMs);
  }
}
