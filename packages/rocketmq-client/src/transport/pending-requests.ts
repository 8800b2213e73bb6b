import type { RemotingCommand } from '@dt/rocketmq-protocol';
import type { RocketMQError } from '../errors.ts';

/** Is told how a request ended: one of the two, once. They must not throw. */
export interface AnswerReceiver {
  /** With the answer; of a one-way request with itself. */
  answered(command: RemotingCommand): void;
  failed(error: RocketMQError): void;
}

export interface PendingRequest {
  readonly opaque: number;
  readonly code: number;
  /** Ends when it is written: no answer comes. */
  readonly oneway: boolean;
  readonly receiver: AnswerReceiver;
  readonly startedAt: number;
  readonly timeoutMs: number;
  readonly release: (() => void) | undefined;
  written: boolean;
}

const MAX_OPAQUE = 0x7fffffff;

/** Slots at the start; a power of two. */
const FIRST_SLOTS = 64;

/** Requests that wait for their answers, by number. One timer serves the time-outs of all. */
export class PendingRequests {
  /**
   * A request lies in the slot that the low bits of its number name. Not in a Map: one that fills and empties without
   * end gets a new table now and then, to which V8 links the old one. Once such a table is old, all later ones and what
   * their requests were answered stay until the next full collection.
   */
  #slots: (PendingRequest | undefined)[] = emptySlots(FIRST_SLOTS);
  readonly #onExpired: (request: PendingRequest) => void;
  #size = 0;
  #opaque = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;
  #lastLook: NodeJS.Immediate | undefined;

  constructor(onExpired: (request: PendingRequest) => void) {
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#size;
  }

  /** Undefined when nothing waits. */
  get oldestStartedAt(): number | undefined {
    let oldest: number | undefined;
    for (const request of this.#slots) {
      if (request !== undefined && (oldest === undefined || request.startedAt < oldest))
        oldest = request.startedAt;
    }
    return oldest;
  }

  /** A number whose slot is free. */
  nextOpaque(): number {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    do this.#opaque = this.#opaque >= MAX_OPAQUE ? 1 : this.#opaque + 1;
    while (this.#slots[this.#slotOf(this.#opaque)] !== undefined);
    return this.#opaque;
  }

  get(opaque: number): PendingRequest | undefined {
    const request = this.#slots[this.#slotOf(opaque)];
    return request?.opaque === opaque ? request : undefined;
  }

  /** Under a number from `nextOpaque`. */
  add(request: PendingRequest): void {
    this.#slots[this.#slotOf(request.opaque)] = request;
    this.#size++;
    this.#wakeAt(request.startedAt + request.timeoutMs);
  }

  take(opaque: number): PendingRequest | undefined {
    const request = this.get(opaque);
    if (request === undefined) return undefined;
    this.#slots[this.#slotOf(opaque)] = undefined;
    this.#size--;
    request.release?.();
    return request;
  }

  /** All of them, at the end. */
  takeAll(): PendingRequest[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    clearImmediate(this.#lastLook);
    this.#lastLook = undefined;
    const all = this.#slots.filter((request) => request !== undefined);
    this.#slots = emptySlots(FIRST_SLOTS);
    this.#size = 0;
    for (const request of all) request.release?.();
    return all;
  }

  #slotOf(opaque: number): number {
    return opaque & (this.#slots.length - 1);
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = emptySlots(before.length * 2);
    for (const request of before) {
      if (request !== undefined) this.#slots[this.#slotOf(request.opaque)] = request;
    }
  }

  #wakeAt(at: number): void {
    if (this.#lastLook !== undefined || (this.#timer !== undefined && this.#timerAt <= at)) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#lookOnce(), Math.max(1, at - Date.now()));
  }

  /** After a long turn timers come before sockets: answers that lie there already are read first. */
  #lookOnce(): void {
    this.#timer = undefined;
    this.#lastLook = setImmediate(() => this.#expire());
  }

  #expire(): void {
    this.#lastLook = undefined;
    const now = Date.now();
    let next = Number.POSITIVE_INFINITY;
    const expired: number[] = [];
    for (const request of this.#slots) {
      if (request === undefined) continue;
      const at = request.startedAt + request.timeoutMs;
      if (at <= now) expired.push(request.opaque);
      else if (at < next) next = at;
    }
    if (next !== Number.POSITIVE_INFINITY) this.#wakeAt(next);
    for (const opaque of expired) {
      const request = this.take(opaque);
      if (request !== undefined) this.#onExpired(request);
    }
  }
}

function emptySlots(count: number): (PendingRequest | undefined)[] {
  return new Array<PendingRequest | undefined>(count).fill(undefined);
}
