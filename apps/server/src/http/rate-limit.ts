import type { Config } from '../config/index.ts';
import { tooManyRequests } from './refusal.ts';

/** Counts calls per key in windows of fixed length. */
export class FixedWindow {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #maxKeys: number;
  // Insertion order is the order of the windows' starts, so the oldest is always first.
  readonly #windows = new Map<string, { startedAtMs: number; calls: number }>();

  /** @param maxKeys keys remembered at once; past it the oldest are forgotten, which lets them call again */
  constructor(limit: number, windowMs: number, maxKeys = 50_000) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#maxKeys = maxKeys;
  }

  /** Counts one call. @returns ms until the window ends when there was no room for it, else 0 */
  take(key: string, nowMs: number): number {
    const window = this.#windows.get(key);
    if (window === undefined || nowMs - window.startedAtMs >= this.#windowMs) {
      this.#windows.delete(key);
      if (this.#windows.size >= this.#maxKeys) this.#forget(nowMs);
      this.#windows.set(key, { startedAtMs: nowMs, calls: 1 });
      return 0;
    }
    if (window.calls >= this.#limit) return Math.max(1, window.startedAtMs + this.#windowMs - nowMs);
    window.calls += 1;
    return 0;
  }

  get size(): number {
    return this.#windows.size;
  }

  /** Windows that are over, and the oldest one at least. */
  #forget(nowMs: number): void {
    for (const [key, { startedAtMs }] of this.#windows) {
      if (this.#windows.size < this.#maxKeys && nowMs - startedAtMs < this.#windowMs) return;
      this.#windows.delete(key);
    }
  }
}

export interface Caller {
  readonly address: string;
  readonly platformId: number;
  readonly platformUserId: string;
}

/** Limits the bet call; the limits may change while it runs. */
export class BetLimiter {
  #take: (caller: Caller) => void;

  constructor(limits: Config['rate_limit']) {
    this.#take = betLimits(limits);
  }

  /** Counts one call. @throws DoorError 4000 */
  take(caller: Caller): void {
    this.#take(caller);
  }

  /** Windows begin anew. */
  configure(limits: Config['rate_limit']): void {
    this.#take = betLimits(limits);
  }
}

/**
 * The limits in the order of the contract: all calls in a second, then address, platform and player. Each instance
 * counts for itself.
 */
function betLimits(limits: Config['rate_limit']): (caller: Caller) => void {
  if (!limits.enabled) return () => undefined;
  const window = (limit: { requests_per_second: number; window_seconds: number }): FixedWindow =>
    new FixedWindow(limit.requests_per_second, limit.window_seconds * 1000);
  const global = new FixedWindow(limits.global.requests_per_second, 1000, 1);
  const byAddress = window(limits.by_ip);
  const byPlatform = window(limits.by_platform);
  const byPlayer = window(limits.by_user);
  return ({ address, platformId, platformUserId }) => {
    const nowMs = performance.now();
    const waitMs =
      global.take('', nowMs) ||
      byAddress.take(address, nowMs) ||
      byPlatform.take(String(platformId), nowMs) ||
      byPlayer.take(`${platformId}:${platformUserId}`, nowMs);
    if (waitMs > 0) throw tooManyRequests(Math.ceil(waitMs / 1000));
  };
}
