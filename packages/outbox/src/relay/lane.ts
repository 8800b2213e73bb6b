interface Hold {
  /** The first unsent row of the key. */
  readonly id: number;
  /** Infinity behind a dead row: until that is replayed or skipped. */
  readonly untilMs: number;
}

const PARDON_MS = 5000;

/**
 * What the owner of a lane knows of it. `after` is the position of the next walk: all pending rows up to it are either
 * held or were not there when the walk's snapshot was taken and cannot come any more (see Sealer). Times are of the
 * monotonic clock.
 */
export class Lane {
  readonly lane: number;
  readonly epoch: number;
  after: number;
  /** Below every pending row known; stored for the next owner. */
  floor: number;
  storedFloor: number;
  dueAtMs = 0;
  /** The last walk left rows behind. */
  hungry = false;
  busy = false;
  kicked = false;
  /** Somebody else's by now, or soon: no new walk. */
  retired = false;
  readonly #holds = new Map<string, Hold>();
  #holdsUntilMs = Infinity;
  #rewoundTo = Infinity;
  #pardonedUntilMs = 0;

  constructor(lane: number, epoch: number, floor: number) {
    this.lane = lane;
    this.epoch = epoch;
    this.after = floor;
    this.floor = floor;
    this.storedFloor = floor;
  }

  get heldKeys(): IterableIterator<string> {
    return this.#holds.keys();
  }

  get heldCount(): number {
    return this.#holds.size;
  }

  isHeld(shardingKey: string): boolean {
    return this.#holds.has(shardingKey);
  }

  /** Lets a sharding key wait, from its row `id` on. */
  hold(shardingKey: string, id: number, untilMs: number): void {
    // Rows that came back meanwhile may be of this key, and go first.
    this.#holds.set(shardingKey, { id: Math.min(id, this.#rewoundTo + 1), untilMs });
    this.#holdsUntilMs = Math.min(this.#holdsUntilMs, untilMs);
  }

  /** Keys that wait behind a dead row. */
  keysBehindDead(): string[] {
    return [...this.#holds].filter(([, hold]) => hold.untilMs === Infinity).map(([key]) => key);
  }

  /** Ends the wait of a key: the next walk starts at its rows. */
  release(shardingKey: string): void {
    const hold = this.#holds.get(shardingKey);
    if (hold === undefined) return;
    this.#holds.delete(shardingKey);
    this.rewind(hold.id - 1);
    this.dueAtMs = 0;
    this.kicked = true;
  }

  /** Frees the keys whose time has come; the next walk starts at their rows. */
  releaseDueHolds(nowMs: number): void {
    if (nowMs < this.#holdsUntilMs) return;
    this.#holdsUntilMs = Infinity;
    for (const [key, hold] of this.#holds) {
      if (hold.untilMs <= nowMs) {
        this.#holds.delete(key);
        this.after = Math.min(this.after, hold.id - 1);
      } else {
        this.#holdsUntilMs = Math.min(this.#holdsUntilMs, hold.untilMs);
      }
    }
  }

  /**
   * After an outage: what waits because of it need not wait any longer, nor does what the database says has to wait,
   * for a moment. What really fails is held again by its next attempt.
   */
  pardon(nowMs: number): void {
    for (const [key, hold] of this.#holds) {
      if (hold.untilMs === Infinity) continue;
      this.#holds.delete(key);
      this.rewind(hold.id - 1);
    }
    this.#holdsUntilMs = Infinity;
    this.#pardonedUntilMs = nowMs + PARDON_MS;
    this.dueAtMs = 0;
    this.kicked = true;
  }

  isPardoned(nowMs: number): boolean {
    return nowMs < this.#pardonedUntilMs;
  }

  /** Starts the next walk no later than after `id`, also when one is under way. */
  rewind(id: number): void {
    this.after = Math.min(this.after, id);
    if (this.busy) this.#rewoundTo = Math.min(this.#rewoundTo, id);
  }

  /** Rows after `id` became pending again: the next walk starts there, and at once; so do those of keys that wait. */
  reopen(id: number): void {
    this.rewind(id);
    this.floor = Math.min(this.floor, id);
    for (const [key, hold] of this.#holds) {
      if (hold.id > id + 1) this.#holds.set(key, { id: id + 1, untilMs: hold.untilMs });
    }
    this.dueAtMs = 0;
    this.kicked = true;
  }

  /** Ends a walk that got as far as `position`. */
  settle(position: number): void {
    this.after = Math.min(position, this.#rewoundTo);
    this.#rewoundTo = Infinity;
    let floor = this.after;
    for (const hold of this.#holds.values()) floor = Math.min(floor, hold.id - 1);
    this.floor = floor;
  }

  /** When the lane wants its next walk; a lane with too many held keys waits for them alone. */
  nextDueMs(maxHeldKeys: number): number {
    if (this.#holds.size >= maxHeldKeys) return this.#holdsUntilMs;
    return Math.min(this.dueAtMs, this.#holdsUntilMs);
  }
}
