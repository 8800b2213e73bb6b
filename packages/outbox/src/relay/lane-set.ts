import { type Lane } from './lane.ts';

/** A sharding key that fails is kept in mind; a lane with this many of them pauses until one is due. */
const MAX_HELD_KEYS_PER_LANE = 1000;

/** The lanes this relay owns, and who is next. */
export class LaneSet {
  readonly #lanes = new Map<number, Lane>();
  /** Lanes lost while a batch of theirs is still under way: not to be taken again before it ended. */
  readonly #leaving = new Set<Lane>();

  #quietTurn = false;

  get size(): number {
    return this.#lanes.size;
  }

  [Symbol.iterator](): IterableIterator<Lane> {
    return this.#lanes.values();
  }

  get(lane: number): Lane | undefined {
    return this.#lanes.get(lane);
  }

  add(lane: Lane): void {
    this.#lanes.set(lane.lane, lane);
  }

  /** Forgets a lane that is no longer ours; its rows under way are left to the fence. */
  drop(lane: Lane): void {
    lane.retired = true;
    if (this.#lanes.get(lane.lane) === lane) this.#lanes.delete(lane.lane);
    if (lane.busy) this.#leaving.add(lane);
  }

  isLeaving(lane: number): boolean {
    for (const leaving of this.#leaving) if (leaving.lane === lane) return true;
    return false;
  }

  /**
   * Lanes for one round, marked busy, those first that wait longest. Quiet lanes that are due go together, as their
   * walk is a look; lanes with a backlog are shared out among the rounds that may run side by side. When both are
   * there they take turns, so that neither frequent kicks nor a backlog can starve the other.
   */
  take(nowMs: number, sloppyMs: number, rounds: number, mostHungry: number): Lane[] {
    const quiet: Lane[] = [];
    const hungry: Lane[] = [];
    let quietDue = false;
    for (const lane of this.#lanes.values()) {
      if (lane.busy || lane.retired) continue;
      const dueMs = lane.nextDueMs(MAX_HELD_KEYS_PER_LANE);
      if (lane.hungry) {
        if (dueMs <= nowMs) hungry.push(lane);
      } else if (dueMs <= nowMs + sloppyMs) {
        quiet.push(lane);
        quietDue ||= dueMs <= nowMs;
      }
    }
    this.#quietTurn = quietDue && (hungry.length === 0 || !this.#quietTurn);
    const taken = this.#quietTurn ? quiet : hungry;
    taken.sort((a, b) => a.dueAtMs - b.dueAtMs);
    if (!this.#quietTurn) {
      taken.length = Math.min(taken.length, Math.ceil(this.#hungryCount() / rounds), mostHungry);
    }
    for (const lane of taken) {
      lane.busy = true;
      lane.kicked = false;
    }
    return taken;
  }

  giveBack(lanes: readonly Lane[]): void {
    for (const lane of lanes) {
      lane.busy = false;
      this.#leaving.delete(lane);
    }
  }

  /** Everything is due at once. */
  kick(): void {
    for (const lane of this.#lanes.values()) {
      lane.dueAtMs = 0;
      lane.kicked = true;
    }
  }

  nextDueMs(): number {
    let nextMs = Infinity;
    for (const lane of this.#lanes.values()) {
      if (!lane.busy && !lane.retired) nextMs = Math.min(nextMs, lane.nextDueMs(MAX_HELD_KEYS_PER_LANE));
    }
    return nextMs;
  }

  #hungryCount(): number {
    let count = 0;
    for (const lane of this.#lanes.values()) if (lane.hungry) count += 1;
    return count;
  }
}
