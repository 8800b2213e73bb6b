import type { Connection } from '../server/index.ts';

/** A pull that waits for messages. */
export interface HeldPull {
  topic: string;
  queueId: number;
  /** Offset the pull asks for: the maximum offset when it was held. */
  offset: number;
  deadline: number;
  connection: Connection;
  /** Whether a message with this tag hash is one the consumer wants. */
  wants: (tagHash: number) => boolean;
  /** Runs the pull once more: because messages came that it may want, or because its time is up. */
  run: (why: 'arrived' | 'due') => void;
}

/** A pull whose queue has moved on without a message it wants is answered at the latest after this: its offset moves. */
const SWEEP_MS = 5_000;
/** Node runs longer timers at once; a deadline beyond is looked at again then. */
const MAX_TIMER_MS = 2_000_000_000;

/** Pulls that wait, by queue; each ends by a message it wants, by its deadline, or with its socket. */
export class HeldPulls {
  readonly #queues = new Map<string, Set<HeldPull>>();
  readonly #limit: number;
  readonly #maxOffset: (topic: string, queueId: number) => number;
  readonly #sweeper: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #count = 0;

  constructor(limit: number, maxOffset: (topic: string, queueId: number) => number) {
    this.#limit = limit;
    this.#maxOffset = maxOffset;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
  }

  get count(): number {
    return this.#count;
  }

  /** False when too many wait already: answer at once. */
  hold(pull: HeldPull): boolean {
    if (this.#count >= this.#limit) return false;
    const key = keyOf(pull.topic, pull.queueId);
    let pulls = this.#queues.get(key);
    if (pulls === undefined) this.#queues.set(key, (pulls = new Set<HeldPull>()));
    pulls.add(pull);
    this.#count++;
    this.#wakeAt(pull.deadline);
    return true;
  }

  isHeldFor(topic: string, queueId: number): boolean {
    return this.#queues.has(keyOf(topic, queueId));
  }

  /** Messages with these tag hashes can be read from `fromOffset` on. */
  arrived(topic: string, queueId: number, fromOffset: number, tagHashes: ArrayLike<number>): void {
    for (const pull of [...(this.#queues.get(keyOf(topic, queueId)) ?? [])]) {
      for (let i = 0; i < tagHashes.length; i++) {
        if (fromOffset + i < pull.offset || !pull.wants(tagHashes[i] ?? 0)) continue;
        this.#release(pull, 'arrived');
        break;
      }
    }
  }

  /** Forgets the pulls of a closed socket. */
  drop(connection: Connection): void {
    this.#releaseAll((pull) => pull.connection === connection, 'dropped');
  }

  /** Pulls of this queue run again now, for example because the topic is gone. */
  wake(topic: string): void {
    this.#releaseAll((pull) => pull.topic === topic, 'due');
  }

  close(): void {
    clearInterval(this.#sweeper);
    clearTimeout(this.#timer);
    this.#queues.clear();
    this.#count = 0;
  }

  #sweep(): void {
    this.#releaseAll((pull) => this.#maxOffset(pull.topic, pull.queueId) > pull.offset, 'due');
  }

  #expire(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = Date.now();
    this.#releaseAll((pull) => pull.deadline <= now, 'due');
    let next = Number.POSITIVE_INFINITY;
    for (const pulls of this.#queues.values()) for (const pull of pulls) next = Math.min(next, pull.deadline);
    this.#wakeAt(next);
  }

  /** One timer, for the earliest deadline. */
  #wakeAt(time: number): void {
    if (time >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = time;
    this.#timer = setTimeout(() => this.#expire(), Math.min(MAX_TIMER_MS, Math.max(1, time - Date.now())));
    this.#timer.unref();
  }

  #releaseAll(which: (pull: HeldPull) => boolean, why: 'due' | 'dropped'): void {
    for (const pulls of [...this.#queues.values()]) {
      for (const pull of [...pulls]) if (which(pull)) this.#release(pull, why);
    }
  }

  #release(pull: HeldPull, why: 'arrived' | 'due' | 'dropped'): void {
    const key = keyOf(pull.topic, pull.queueId);
    const pulls = this.#queues.get(key);
    if (pulls?.delete(pull) !== true) return;
    if (pulls.size === 0) this.#queues.delete(key);
    this.#count--;
    if (why !== 'dropped' && !pull.connection.isClosed) pull.run(why);
  }
}

function keyOf(topic: string, queueId: number): string {
  return `${topic}@${queueId}`;
}
