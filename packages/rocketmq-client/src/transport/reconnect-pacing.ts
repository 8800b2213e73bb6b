import { backoffMs } from '../timing/pause.ts';

/** Pause after the first failure; it doubles with every further one. */
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;
/** More than a cluster has; beyond it the one that failed longest ago is forgotten. */
const MAX_ADDRESSES = 10_000;

interface Failures {
  count: number;
  notBefore: number;
}

/**
 * Keeps attempts to connect to one address apart: with pauses that grow, and chance in them, so that the clients of a
 * broker that comes back do not all come at once. The first attempt after a good connection waits for nothing.
 */
export class ReconnectPacing {
  readonly #failures = new Map<string, Failures>();

  waitMs(address: string, now = Date.now()): number {
    return Math.max(0, (this.#failures.get(address)?.notBefore ?? 0) - now);
  }

  failed(address: string, now = Date.now()): void {
    const count = (this.#failures.get(address)?.count ?? 0) + 1;
    this.#failures.delete(address);
    this.#failures.set(address, {
      count,
      notBefore: now + backoffMs(count + 1, FIRST_PAUSE_MS, MAX_PAUSE_MS),
    });
    if (this.#failures.size <= MAX_ADDRESSES) return;
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest);
      break;
    }
  }

  succeeded(address: string): void {
    this.#failures.delete(address);
  }
}
