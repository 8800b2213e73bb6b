/** The part of `@opentelemetry/api` that is used. */
export interface OpenTelemetryLike {
  readonly context: { active(): unknown };
  readonly propagation: { inject(context: never, carrier: Record<string, string>): void };
}

/**
 * For the option `traceContext` of `enqueue`: what the current span of OpenTelemetry writes for others to go on from,
 * `traceparent` for one. A handler of the inbox gives `message.headers` to `propagation.extract`.
 */
export function openTelemetryContext({
  context,
  propagation,
}: OpenTelemetryLike): () => Record<string, string> {
  return () => {
    const carrier: Record<string, string> = {};
    propagation.inject(context.active() as never, carrier);
    return carrier;
  };
}
