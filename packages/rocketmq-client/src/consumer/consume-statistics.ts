import type { commands } from '@dt/rocketmq-protocol';
import { SlidingSum } from './sliding-sum.ts';

type TopicConsumeStatus = commands.TopicConsumeStatus;

const MINUTE_MS = 60_000;

class TopicStatistics {
  readonly pulls = minute();
  readonly pullMs = minute();
  readonly pulled = minute();
  readonly calls = minute();
  readonly callMs = minute();
  readonly ok = minute();
  readonly failed = minute();
  readonly failedInHour = new SlidingSum(10 * MINUTE_MS, 6);
}

/** What a consumer pulled and handled lately, by topic: the figures of Java's consumers. */
export class ConsumeStatistics {
  readonly #startedAt = Date.now();
  readonly #topics = new Map<string, TopicStatistics>();

  /** A pull that found messages. */
  pulled(topic: string, messages: number, durationMs: number): void {
    const statistics = this.#of(topic);
    statistics.pulls.add(1);
    statistics.pullMs.add(durationMs);
    statistics.pulled.add(messages);
  }

  /** A handler call. */
  handled(topic: string, messages: number, failed: number, durationMs: number): void {
    const statistics = this.#of(topic);
    statistics.calls.add(1);
    statistics.callMs.add(durationMs);
    statistics.ok.add(messages - failed);
    statistics.failed.add(failed);
    statistics.failedInHour.add(failed);
  }

  status(topic: string): TopicConsumeStatus {
    const { pulls, pullMs, pulled, calls, callMs, ok, failed, failedInHour } = this.#of(topic);
    // Right after the start a minute is less than a minute.
    const seconds = Math.min(MINUTE_MS, Math.max(1000, Date.now() - this.#startedAt)) / 1000;
    return {
      topic,
      pullRtMs: average(pullMs, pulls),
      pullTps: pulled.sum() / seconds,
      consumeRtMs: average(callMs, calls),
      consumeOkTps: ok.sum() / seconds,
      consumeFailedTps: failed.sum() / seconds,
      consumeFailedMessages: failedInHour.sum(),
    };
  }

  #of(topic: string): TopicStatistics {
    let statistics = this.#topics.get(topic);
    if (statistics === undefined) this.#topics.set(topic, (statistics = new TopicStatistics()));
    return statistics;
  }
}

function minute(): SlidingSum {
  return new SlidingSum(10_000, 6);
}

function average(sum: SlidingSum, count: SlidingSum): number {
  const times = count.sum();
  return times === 0 ? 0 : sum.sum() / times;
}
