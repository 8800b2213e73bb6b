/** W3C trace context, as it travels in the properties of a message. */
export interface TraceContext {
  traceparent: string;
  tracestate?: string | undefined;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** The trace context a message came with; undefined when it has none, or one that is not valid. */
export function traceContextOf(message: {
  readonly properties?: Readonly<Record<string, string>> | undefined;
}): TraceContext | undefined {
  const { traceparent, tracestate } = message.properties ?? {};
  if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return undefined;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

/** The message with this trace context, unless it has one of its own. */
export function withTraceContext<M extends { properties?: Readonly<Record<string, string>> | undefined }>(
  message: M,
  context: TraceContext | undefined,
): M {
  if (context === undefined || message.properties?.['traceparent'] !== undefined) return message;
  const { traceparent, tracestate } = context;
  const properties = { ...message.properties, traceparent, ...(tracestate !== undefined && { tracestate }) };
  return { ...message, properties };
}
