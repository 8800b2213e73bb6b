/** Length of the window the rates are averaged over. */
const WINDOW_SECONDS = 10;

/** Counts since the start, and rates over the last seconds. */
export class BrokerStats {
  readonly bootTimestamp = Date.now();
  putTotal = 0;
  getTotal = 0;
  readonly #puts: number[] = [];
  readonly #gets: number[] = [];

  put(messages: number): void {
    this.putTotal += messages;
  }

  got(messages: number): void {
    this.getTotal += messages;
  }

  /** Called once a second. */
  tick(): void {
    this.#puts.push(this.putTotal);
    this.#gets.push(this.getTotal);
    if (this.#puts.length > WINDOW_SECONDS + 1) {
      this.#puts.shift();
      this.#gets.shift();
    }
  }

  get putTps(): number {
    return rate(this.#puts);
  }

  get getTps(): number {
    return rate(this.#gets);
  }
}

function rate(totals: readonly number[]): number {
  const [first = 0] = totals;
  const last = totals.at(-1) ?? 0;
  return totals.length < 2 ? 0 : (last - first) / (totals.length - 1);
}
