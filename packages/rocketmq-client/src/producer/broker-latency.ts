/** How long a broker is passed by after a send that took this long, as RocketMQ's Java client has it. */
const PENALTIES: readonly (readonly [atLeastMs: number, penaltyMs: number])[] = [
  [15_000, 30_000],
  [5000, 10_000],
  [3000, 6000],
  [1800, 5000],
  [550, 2000],
];
/** What a failed send counts as. */
const FAILURE_MS = 10_000;

/** Remembers which brokers were slow or failed, and for how long they are better left alone. */
export class BrokerLatency {
  readonly #avoidUntil = new Map<string, number>();

  note(brokerName: string, durationMs: number, failed: boolean, now = Date.now()): void {
    const countedMs = failed ? Math.max(FAILURE_MS, durationMs) : durationMs;
    const penaltyMs = PENALTIES.find(([atLeastMs]) => countedMs >= atLeastMs)?.[1];
    if (penaltyMs === undefined) this.#avoidUntil.delete(brokerName);
    else this.#avoidUntil.set(brokerName, now + penaltyMs);
  }

  isAvailable(brokerName: string, now = Date.now()): boolean {
    return this.#avoidUntil.size === 0 || (this.#avoidUntil.get(brokerName) ?? 0) <= now;
  }
}
