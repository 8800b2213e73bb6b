import { messageOf } from './errors.ts';
import type { Logger } from './logger.ts';

/** What RocketMQ's 5.x clients measure, by the same names; buckets and times in milliseconds. */
export const ROCKETMQ_METRICS = {
  /** One request of a send, for each message in it. */
  rocketmq_send_cost_time: {
    type: 'histogram',
    labels: ['topic', 'client_id', 'invocation_status'],
    buckets: [1, 5, 10, 20, 50, 200, 500],
  },
  /** From the time a broker stored a message (its clock) to its arrival at a consumer (its clock). */
  rocketmq_delivery_latency: {
    type: 'histogram',
    labels: ['topic', 'client_id', 'consumer_group'],
    buckets: [1, 5, 10, 20, 50, 200, 500],
  },
  /** From the arrival of a message to the handler call it is given to. */
  rocketmq_await_time: {
    type: 'histogram',
    labels: ['topic', 'client_id', 'consumer_group'],
    buckets: [1, 5, 20, 100, 1000, 5000, 10_000],
  },
  /** One handler call. */
  rocketmq_process_time: {
    type: 'histogram',
    labels: ['topic', 'client_id', 'consumer_group', 'invocation_status'],
    buckets: [1, 5, 10, 100, 10_000, 60_000],
  },
  /** Messages a consumer holds and has not done. */
  rocketmq_consumer_cached_messages: {
    type: 'gauge',
    labels: ['topic', 'client_id', 'consumer_group'],
    buckets: [],
  },
  /** Their bytes. */
  rocketmq_consumer_cached_bytes: {
    type: 'gauge',
    labels: ['topic', 'client_id', 'consumer_group'],
    buckets: [],
  },
} as const;

export type MetricName = keyof typeof ROCKETMQ_METRICS;
export type HistogramName = {
  [N in MetricName]: (typeof ROCKETMQ_METRICS)[N]['type'] extends 'histogram' ? N : never;
}[MetricName];
export type GaugeName = Exclude<MetricName, HistogramName>;
export type MetricLabels = Readonly<Record<string, string>>;

/** Takes the measurements; the shape fits a thin adapter over any library of metrics. What it throws is only logged. */
export interface MetricsHook {
  /** A time in milliseconds for a histogram. */
  observe(name: HistogramName, valueMs: number, labels: MetricLabels): void;
  /** The value of a gauge from now on. */
  set(name: GaugeName, value: number, labels: MetricLabels): void;
}

/** The hook as it may be called from anywhere: it never throws. */
export function safeMetrics(hook: MetricsHook | undefined, logger: Logger): MetricsHook | undefined {
  if (hook === undefined) return undefined;
  const safely = (call: () => void): void => {
    try {
      call();
    } catch (error) {
      logger.warn('metrics hook failed', { error: messageOf(error) });
    }
  };
  return {
    observe: (name, valueMs, labels) => safely(() => hook.observe(name, valueMs, labels)),
    set: (name, value, labels) => safely(() => hook.set(name, value, labels)),
  };
}
