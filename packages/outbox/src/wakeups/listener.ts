import { backoffMs, type BackoffOptions } from '../backoff.ts';
import { type Database } from '../database/database.ts';
import { pause, withDeadline } from '../deadline.ts';
import { OutboxError } from '../errors.ts';
import { wakeupChannel } from './channel.ts';

export interface ListenerOptions {
  readonly listen: NonNullable<Database['listen']>;
  readonly schema: string;
  /** Notifications of this sender are its own. */
  readonly self: string;
  readonly onWake: () => void;
  readonly onError: (error: unknown) => void;
}

/** A connection that nothing goes over can be dead without anybody knowing: it is asked so often. */
const CHECK_MS = 15_000;
const CHECK_TIMEOUT_MS = 5000;
const RECONNECT: BackoffOptions = { initialMs: 100, maxMs: 10_000 };

/** Hears the notifications of other processes; opens its connection again whenever it breaks. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #channel: string;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<undefined>;
  #running: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#channel = wakeupChannel(options.schema);
    this.#stopped = new Promise((resolve) => {
      const { signal } = this.#stop;
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort(new OutboxError('closed', 'the listener is closed'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#listen(() => {
          failures = 0;
        });
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#options.onError(error);
        await pause(backoffMs(RECONNECT, failures), signal);
      }
    }
  }

  /** Resolves when the listener is closed; rejects when the connection cannot be had or is lost. */
  async #listen(onOpen: () => void): Promise<void> {
    const { listen, self, onWake } = this.#options;
    const { signal } = this.#stop;
    const opening = listen(this.#channel, (sender) => {
      if (sender !== self) onWake();
    });
    try {
      const subscription = await Promise.race([opening, this.#stopped]);
      if (subscription === undefined) return;
      onOpen();
      // What was told before somebody listened.
      onWake();
      const lost = subscription.lost.then((error) => {
        throw error;
      });
      for (;;) {
        await Promise.race([lost, pause(CHECK_MS, signal)]);
        if (signal.aborted) return;
        const checked = withDeadline(subscription.check(), CHECK_TIMEOUT_MS, 'listen');
        await Promise.race([lost, checked, this.#stopped]);
      }
    } finally {
      // It may come after we have stopped to wait for it.
      void opening.then((subscription) => subscription.close()).catch(() => {});
    }
  }
}
