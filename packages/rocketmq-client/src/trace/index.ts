export { ConsumeTracer } from './consume-tracer.ts';
export { SendTracer } from './send-tracer.ts';
export { type TraceContext, traceContextOf, withTraceContext } from './trace-context.ts';
export { TraceDispatcher } from './trace-dispatcher.ts';
