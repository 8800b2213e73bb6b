import type { Connection } from '../../server/index.ts';

/** A request that waits until a group can pop messages of a topic. */
export interface HeldPop {
  topic: string;
  group: string;
  /** -1 for all queues. */
  queueId: number;
  deadline: number;
  /** Looked at again at this time, before the deadline: a queue that is held in order is free then. */
  againAt?: number;
  connection: Connection;
  /** Whether a message with this tag hash is one that is wanted. */
  wants: (tagHash: number) => boolean;
  /** Runs the request again: it may be held again. */
  run: () => void;
}

/** Node runs longer timers at once; a deadline beyond is looked at again then. */
const MAX_TIMER_MS = 2_000_000_000;

/**
 * Requests that wait, first come first served: a message wakes one of each group, and who finds more than it takes
 * wakes the next. Each ends by a message, by its deadline, or with its socket.
 */
export class HeldPops {
  readonly #limit: number;
  /** By topic, then by group and queue. */
  readonly #topics = new Map<string, Map<string, Set<HeldPop>>>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when too many wait already. */
  hold(pop: HeldPop): boolean {
    if (this.#count >= this.#limit) return false;
    let keys = this.#topics.get(pop.topic);
    if (keys === undefined) this.#topics.set(pop.topic, (keys = new Map<string, Set<HeldPop>>()));
    const key = keyOf(pop.group, pop.queueId);
    let pops = keys.get(key);
    if (pops === undefined) keys.set(key, (pops = new Set<HeldPop>()));
    pops.add(pop);
    this.#count++;
    this.#wakeAt(timeOf(pop));
    return true;
  }

  countOf(topic: string, group: string, queueId: number): number {
    return this.#topics.get(topic)?.get(keyOf(group, queueId))?.size ?? 0;
  }

  isHeldFor(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** Messages with these tag hashes can be read from the queue. */
  arrived(topic: string, queueId: number, tagHashes: ArrayLike<number>): void {
    const suffixes = [`@${queueId}`, '@-1'];
    for (const [key, pops] of [...(this.#topics.get(topic) ?? [])]) {
      if (!suffixes.some((suffix) => key.endsWith(suffix))) continue;
      for (const pop of pops) {
        if (!Array.prototype.some.call(tagHashes, pop.wants)) continue;
        this.#release(pop);
        break;
      }
    }
  }

  /** The first of the group that waits for this queue, or for all of them, looks again. */
  wakeFirst(topic: string, group: string, queueId = -1): void {
    const keys = this.#topics.get(topic);
    for (const id of queueId === -1 ? [-1] : [-1, queueId]) {
      const [first] = keys?.get(keyOf(group, id)) ?? [];
      if (first !== undefined) this.#release(first);
    }
  }

  /** Everyone who waits for the topic looks again, for example because it is gone. */
  wakeAll(topic: string): void {
    for (const pops of [...(this.#topics.get(topic)?.values() ?? [])])
      for (const pop of [...pops]) this.#release(pop);
  }

  /** Forgets the requests of a closed socket. */
  drop(connection: Connection): void {
    for (const pop of this.#all()) if (pop.connection === connection) this.#release(pop, false);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#topics.clear();
    this.#count = 0;
  }

  *#all(): Iterable<HeldPop> {
    for (const keys of [...this.#topics.values()]) for (const pops of [...keys.values()]) yield* [...pops];
  }

  #expire(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = Date.now();
    let next = Number.POSITIVE_INFINITY;
    const due: HeldPop[] = [];
    for (const pop of this.#all()) {
      if (timeOf(pop) <= now) due.push(pop);
      else next = Math.min(next, timeOf(pop));
    }
    this.#wakeAt(next);
    for (const pop of due) this.#release(pop);
  }

  /** One timer, for the earliest time. */
  #wakeAt(time: number): void {
    if (time >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = time;
    this.#timer = setTimeout(() => this.#expire(), Math.min(MAX_TIMER_MS, Math.max(1, time - Date.now())));
    this.#timer.unref();
  }

  #release(pop: HeldPop, run = true): void {
    const keys = this.#topics.get(pop.topic);
    const key = keyOf(pop.group, pop.queueId);
    const pops = keys?.get(key);
    if (pops?.delete(pop) !== true) return;
    if (pops.size === 0) keys?.delete(key);
    if (keys?.size === 0) this.#topics.delete(pop.topic);
    this.#count--;
    if (run && !pop.connection.isClosed) pop.run();
  }
}

function keyOf(group: string, queueId: number): string {
  return `${group}@${queueId}`;
}

function timeOf(pop: HeldPop): number {
  return Math.min(pop.deadline, pop.againAt ?? Number.POSITIVE_INFINITY);
}
