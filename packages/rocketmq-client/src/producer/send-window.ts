import { SendError } from '../errors.ts';
import { onAbort } from '../timing/on-abort.ts';

export interface SendWindowLimits {
  readonly maxPendingMessages: number;
  readonly maxPendingBytes: number;
  /** What happens to a call that finds no room. */
  readonly whenFull: 'wait' | 'error';
}

interface Waiting {
  messages: number;
  bytes: number;
  admit: () => void;
  refuse: (error: SendError) => void;
}

/** Calls that wait for room at most; one more is refused. */
const MAX_WAITING = 100_000;

/** Bounds the messages under way by count and by bytes. A call too large for the bounds goes when it is alone. */
export class SendWindow {
  readonly #limits: SendWindowLimits;
  readonly #line = new Set<Waiting>();
  #messages = 0;
  #bytes = 0;
  #onIdle: () => void = () => undefined;

  constructor(limits: SendWindowLimits) {
    this.#limits = limits;
  }

  /** Takes room at once, or returns a promise of it. Throws and rejects with `overloaded` and `aborted`. */
  enter(
    messages: number,
    bytes: number,
    limits: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<void> | undefined {
    if (this.#line.size === 0 && this.#hasRoom(messages, bytes)) {
      this.#messages += messages;
      this.#bytes += bytes;
      return undefined;
    }
    if (this.#limits.whenFull === 'error' || this.#line.size >= MAX_WAITING) throw this.#overloaded('');
    return this.#wait(messages, bytes, limits);
  }

  leave(messages: number, bytes: number): void {
    this.#messages -= messages;
    this.#bytes -= bytes;
    for (const next of this.#line) {
      if (!this.#hasRoom(next.messages, next.bytes)) break;
      this.#messages += next.messages;
      this.#bytes += next.bytes;
      next.admit();
    }
    if (this.#isIdle) this.#onIdle();
  }

  /** Resolves when nothing is under way and nothing waits. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      if (this.#isIdle) resolve();
    });
  }

  refuseWaiting(error: SendError): void {
    for (const waiting of this.#line) waiting.refuse(error);
  }

  get #isIdle(): boolean {
    return this.#messages === 0 && this.#line.size === 0;
  }

  #hasRoom(messages: number, bytes: number): boolean {
    if (this.#messages === 0) return true;
    const { maxPendingMessages, maxPendingBytes } = this.#limits;
    return this.#messages + messages <= maxPendingMessages && this.#bytes + bytes <= maxPendingBytes;
  }

  #wait(
    messages: number,
    bytes: number,
    { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = (): SendError =>
        new SendError('aborted', 'aborted by the caller', { retryable: true, cause: signal?.reason });
      if (signal?.aborted === true) return reject(aborted());
      const end = (): void => {
        clearTimeout(timer);
        unlisten();
        this.#line.delete(waiting);
      };
      const waiting: Waiting = {
        messages,
        bytes,
        admit: () => {
          end();
          resolve();
        },
        refuse: (error) => {
          end();
          reject(error);
        },
      };
      const timer = setTimeout(() => waiting.refuse(this.#overloaded(` for ${timeoutMs} ms`)), timeoutMs);
      const unlisten = onAbort(signal, () => waiting.refuse(aborted()));
      this.#line.add(waiting);
    });
  }

  #overloaded(howLong: string): SendError {
    const text = `${this.#messages} messages of ${this.#bytes} bytes are under way${howLong}`;
    return new SendError('overloaded', text, { retryable: true });
  }
}
