/** Sum of what was added within the last `slots * slotMs`, in steps of a slot. */
export class SlidingSum {
  readonly #slotMs: number;
  readonly #sums: number[];
  /** Number of the newest slot, counted from 1970. */
  #newest = 0;

  constructor(slotMs: number, slots: number) {
    this.#slotMs = slotMs;
    this.#sums = new Array<number>(slots).fill(0);
  }

  add(value: number, now = Date.now()): void {
    const at = this.#turn(now);
    this.#sums[at] = (this.#sums[at] ?? 0) + value;
  }

  sum(now = Date.now()): number {
    this.#turn(now);
    return this.#sums.reduce((total, value) => total + value, 0);
  }

  /** Empties the slots whose time is over; the place of the present one. */
  #turn(now: number): number {
    const slots = this.#sums.length;
    const present = Math.max(this.#newest, Math.floor(now / this.#slotMs));
    for (let slot = Math.max(this.#newest + 1, present - slots + 1); slot <= present; slot++)
      this.#sums[slot % slots] = 0;
    this.#newest = present;
    return present % slots;
  }
}
