/** Divides the time that a `close()` may take: most of it is for what is under way, the rest for taking leave of the brokers. */
export class ClosingTime {
  readonly #deadline: number;
  readonly #leaveMs: number;
  readonly #requestTimeoutMs: number;

  constructor(closeTimeoutMs: number, requestTimeoutMs: number) {
    this.#deadline = Date.now() + closeTimeoutMs;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#leaveMs = Math.min(requestTimeoutMs / 2, closeTimeoutMs / 4);
  }

  /** What is left for that which is under way. */
  get settleMs(): number {
    return Math.max(1, this.#deadline - this.#leaveMs - Date.now());
  }

  /** For a request of the rest; never nothing, so that brokers that answer at once hear of it. */
  get leaveMs(): number {
    return Math.min(this.#requestTimeoutMs, Math.max(100, this.#deadline - Date.now()));
  }
}
