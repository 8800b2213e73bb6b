import type { ClientInstance } from '../client/index.ts';
import { SendError } from '../errors.ts';
import { endsWithin } from '../timing/pause.ts';
import type { CheckedProducerOptions } from './options.ts';

type LifeOptions = Pick<CheckedProducerOptions, 'maxPendingSends' | 'closeTimeoutMs' | 'requestTimeoutMs'>;

/**
 * Start and end of a producer, of either kind, and the calls under way in between: they are counted and limited, and
 * `close` waits for them, for a while.
 */
export class ProducerLife {
  readonly #client: ClientInstance;
  readonly #options: LifeOptions;
  /** What `close` waits for besides the calls. */
  readonly #settled: () => Promise<unknown>;
  readonly #closing = new AbortController();
  #state: 'new' | 'started' | 'closed' = 'new';
  #underWay = 0;
  #onIdle: () => void = () => undefined;
  #starting: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  constructor(
    client: ClientInstance,
    options: LifeOptions,
    settled: () => Promise<unknown> = () => Promise.resolve(),
  ) {
    this.#client = client;
    this.#options = options;
    this.#settled = settled;
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

  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  /** Runs one call; refuses it before `start`, after `close` and when too many are under way. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    this.#checkUsable();
    this.#underWay++;
    try {
      return await call();
    } finally {
      if (--this.#underWay === 0) this.#onIdle();
    }
  }

  async #start(): Promise<void> {
    if (this.#state === 'closed') throw new SendError('closed', 'the producer is closed');
    await this.#client.start();
    if (this.#state === 'new') this.#state = 'started';
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    const idle = Promise.all([this.#idle(), this.#settled()]);
    await endsWithin(idle, this.#options.closeTimeoutMs);
    this.#closing.abort(new SendError('closed', 'the producer was closed', { retryable: true }));
    await this.#client.close(this.#options.requestTimeoutMs);
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      if (this.#underWay === 0) resolve();
    });
  }

  #checkUsable(): void {
    if (this.#state === 'new')
      throw new SendError('not-started', 'call start() before sending', { retryable: true });
    if (this.#state === 'closed')
      throw new SendError('closed', 'the producer is closed', { retryable: true });
    if (this.#underWay >= this.#options.maxPendingSends) {
      throw new SendError('overloaded', `${this.#underWay} sends are under way`, { retryable: true });
    }
  }
}
