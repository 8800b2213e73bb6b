import type { MetricsHook } from '../metrics.ts';
import type { CachedMessage } from './received-message.ts';

/** What a consumer holds of one topic. */
export interface Cached {
  messages: number;
  bytes: number;
}

/** Measures a consumer for a hook. */
export class ConsumerMeter {
  readonly #hook: MetricsHook;
  readonly #labels: { client_id: string; consumer_group: string };
  readonly #cached: (topic: string) => Cached;

  constructor(
    hook: MetricsHook,
    labels: { client_id: string; consumer_group: string },
    cached: (topic: string) => Cached,
  ) {
    this.#hook = hook;
    this.#labels = labels;
    this.#cached = cached;
  }

  /** A handler is called with these. */
  begins(topic: string, batch: readonly CachedMessage[]): void {
    const now = Date.now();
    const labels = { topic, ...this.#labels };
    for (const { arrivedAt, message } of batch) {
      this.#hook.observe(
        'rocketmq_delivery_latency',
        Math.max(0, arrivedAt - message.storeTimestamp),
        labels,
      );
      this.#hook.observe('rocketmq_await_time', Math.max(0, now - arrivedAt), labels);
    }
    this.holds(topic);
  }

  ended(topic: string, durationMs: number, isGood: boolean): void {
    const invocation_status = isGood ? 'success' : 'failure';
    this.#hook.observe('rocketmq_process_time', durationMs, { topic, ...this.#labels, invocation_status });
  }

  /** Tells how much is held of the topic now. */
  holds(topic: string): void {
    const { messages, bytes } = this.#cached(topic);
    const labels = { topic, ...this.#labels };
    this.#hook.set('rocketmq_consumer_cached_messages', messages, labels);
    this.#hook.set('rocketmq_consumer_cached_bytes', bytes, labels);
  }
}
