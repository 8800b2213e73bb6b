const FIRST_CAPACITY = 8;
/** Queue offset, and physical offset: negative for one that takes another back. */
const WORDS = 2;

/** A message that waits for its time. */
export interface WaitingTimer {
  readonly queueOffset: number;
  readonly physicalOffset: number;
  /** Delivers nothing: takes back another message of the same time. */
  readonly takesBack: boolean;
}

interface Slot {
  entries: Float64Array;
  count: number;
}

/** Where the messages lie that wait, by the time they are due: 16 bytes each, the messages stay in the log. */
export class TimerSlots {
  readonly #slots = new Map<number, Slot>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(dueMs: number, { queueOffset, physicalOffset, takesBack }: WaitingTimer): void {
    let slot = this.#slots.get(dueMs);
    if (slot === undefined)
      this.#slots.set(dueMs, (slot = { entries: new Float64Array(FIRST_CAPACITY * WORDS), count: 0 }));
    const at = slot.count * WORDS;
    if (at === slot.entries.length) {
      const larger = new Float64Array(slot.entries.length * 2);
      larger.set(slot.entries);
      slot.entries = larger;
    }
    slot.entries[at] = queueOffset;
    // Added to by one: the first message of a log lies at a small offset, and -0 is no sign.
    slot.entries[at + 1] = takesBack ? -physicalOffset - 1 : physicalOffset;
    slot.count++;
    this.#count++;
  }

  /** Forgets a message that was not stored after all. */
  remove(dueMs: number, physicalOffset: number): void {
    const others = this.take(dueMs).filter((timer) => timer.physicalOffset !== physicalOffset);
    for (const timer of others) this.add(dueMs, timer);
  }

  /** Times that are due, earliest first. */
  due(nowMs: number): number[] {
    return [...this.#slots.keys()].filter((time) => time <= nowMs).sort((a, b) => a - b);
  }

  /** Of the earliest message; Infinity when none waits. */
  earliest(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const time of this.#slots.keys()) earliest = Math.min(earliest, time);
    return earliest;
  }

  /** Takes out all messages of a time, in the order they came. */
  take(dueMs: number): WaitingTimer[] {
    const slot = this.#slots.get(dueMs);
    this.#slots.delete(dueMs);
    const timers = slot === undefined ? [] : [...timersOf(slot)];
    this.#count -= timers.length;
    return timers;
  }

  /** The lowest offsets of what waits. */
  lowest(): { queueOffset: number; physicalOffset: number } {
    const lowest = { queueOffset: Number.POSITIVE_INFINITY, physicalOffset: Number.POSITIVE_INFINITY };
    // Within one time they are in the order of the log.
    for (const slot of this.#slots.values()) {
      const [first] = timersOf(slot);
      if (first === undefined) continue;
      lowest.queueOffset = Math.min(lowest.queueOffset, first.queueOffset);
      lowest.physicalOffset = Math.min(lowest.physicalOffset, first.physicalOffset);
    }
    return lowest;
  }
}

function* timersOf({ entries, count }: Slot): Generator<WaitingTimer> {
  for (let at = 0; at < count * WORDS; at += WORDS) {
    const position = entries[at + 1] ?? 0;
    const takesBack = position < 0;
    yield {
      queueOffset: entries[at] ?? 0,
      physicalOffset: takesBack ? -position - 1 : position,
      takesBack,
    };
  }
}
