import type { commands } from '@dt/rocketmq-protocol';
import { firstVersion, nextVersion, type DataVersion } from './data-version.ts';

/**
 * How many messages wait for a time of their own, by their topic, as tools are told: one that takes another back counts
 * for one less. A topic stays with 0 until it is deleted.
 */
export class TimerCounts {
  readonly #topics = new Map<string, { count: number; changedAt: number }>();
  #version: DataVersion = firstVersion();

  add(topic: string, change: number): void {
    const changedAt = Date.now();
    const entry = this.#topics.get(topic);
    if (entry !== undefined) {
      entry.count += change;
      entry.changedAt = changedAt;
    } else if (change > 0) this.#topics.set(topic, { count: change, changedAt });
    this.#version = nextVersion(this.#version);
  }

  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  get metrics(): commands.TimerMetrics {
    return {
      dataVersion: this.#version,
      topics: [...this.#topics].map(([topic, { count, changedAt }]) => ({ topic, count, changedAt })),
    };
  }
}
