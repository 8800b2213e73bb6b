export * from './admin/index.ts';
export * from './consumer/index.ts';
export { allocateAverage } from './consumer/allocate-average.ts';
export {
  RocketMQError,
  type RequestOutcome,
  ROCKETMQ_ERROR_CODES,
  type RocketMQErrorCode,
  SendError,
} from './errors.ts';
export type { Logger } from './logger.ts';
export {
  type GaugeName,
  type HistogramName,
  type MetricLabels,
  type MetricName,
  type MetricsHook,
  ROCKETMQ_METRICS,
} from './metrics.ts';
export { type TraceContext, traceContextOf } from './trace/trace-context.ts';
export type { ClientOptions } from './options.ts';
export * from './pop-consumer/index.ts';
export * from './producer/index.ts';
export type { TlsOptions, TlsSource } from './transport/index.ts';
export type { TopicRoute } from './routes/index.ts';
export {
  isReservedProperty,
  versionName,
  type Credentials,
  type GroupRetryPolicy,
  type MessageQueue,
  type TopicRouteData,
} from '@dt/rocketmq-protocol';
