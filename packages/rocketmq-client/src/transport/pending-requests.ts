import type { RemotingCommand } from '@dt/rocketmq-protocol';
import type { RocketMQError } from '../errors.ts';

export interface PendingRequest {
  readonly code: number;
  /** Ends when it is written: no answer comes. */
  readonly oneway: boolean;
  /** With the answer; of a one-way request with itself. */
  readonly resolve: (command: RemotingCommand) => void;
  readonly reject: (error: RocketMQError) => void;
  readonly startedAt: number;
  readonly timeoutMs: number;
  readonly release: (() => void) | undefined;
  written: boolean;
}

const MAX_OPAQUE = 0x7fffffff;

/** Requests that wait for their answers, by number. One timer serves the time-outs of all. */
export class PendingRequests {
  readonly #requests = new Map<number, PendingRequest>();
  readonly #onExpired: (request: PendingRequest) => void;
  #opaque = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;

  constructor(onExpired: (request: PendingRequest) => void) {
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** Undefined when nothing waits. */
  get oldestStartedAt(): number | undefined {
    for (const request of this.#requests.values()) return request.startedAt;
    return undefined;
  }

  /** A number that no request has. */
  nextOpaque(): number {
    do this.#opaque = this.#opaque >= MAX_OPAQUE ? 1 : this.#opaque + 1;
    while (this.#requests.has(this.#opaque));
    return this.#opaque;
  }

  get(opaque: number): PendingRequest | undefined {
    return this.#requests.get(opaque);
  }

  add(opaque: number, request: PendingRequest): void {
    this.#requests.set(opaque, request);
    this.#wakeAt(request.startedAt + request.timeoutMs);
  }

  take(opaque: number): PendingRequest | undefined {
    const request = this.#requests.get(opaque);
    if (request === undefined) return undefined;
    this.#requests.delete(opaque);
    request.release?.();
    return request;
  }

  /** All of them, at the end. */
  takeAll(): PendingRequest[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const all = [...this.#requests.values()];
    this.#requests.clear();
    for (const request of all) request.release?.();
    return all;
  }

  #wakeAt(at: number): void {
    if (this.#timer !== undefined && this.#timerAt <= at) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, at - Date.now()));
  }

  #expire(): void {
    this.#timer = undefined;
    const now = Date.now();
    let next = Number.POSITIVE_INFINITY;
    const expired: number[] = [];
    for (const [opaque, request] of this.#requests) {
      const at = request.startedAt + request.timeoutMs;
      if (at <= now) expired.push(opaque);
      else if (at < next) next = at;
    }
    if (next !== Number.POSITIVE_INFINITY) this.#wakeAt(next);
    for (const opaque of expired) {
      const request = this.take(opaque);
      if (request !== undefined) this.#onExpired(request);
    }
  }
}
