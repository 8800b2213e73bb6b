const MINUTE_MS = 60_000;

/** How far a count has come in the last minute, from looks at it now and then. */
export class LastMinute {
  readonly #looks: { readonly atMs: number; readonly count: number }[] = [];

  /** The count now, and its growth since the last look that is a minute old, or since the first. */
  look(atMs: number, count: number): number {
    this.#looks.push({ atMs, count });
    while (this.#looks.length > 1 && (this.#looks[1]?.atMs ?? Infinity) <= atMs - MINUTE_MS)
      this.#looks.shift();
    return count - (this.#looks[0]?.count ?? count);
  }
}
