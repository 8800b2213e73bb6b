import type { ClientInstance } from '../client/index.ts';
import { SendTracer, TraceDispatcher } from '../trace/index.ts';
import type { CheckedProducerOptions } from './options.ts';

/** What a producer with message traces traces with; `flush` is for its end. */
export function tracesOf(
  client: ClientInstance,
  { traceTopic, group, namespace, logger }: CheckedProducerOptions,
): { tracer: SendTracer; flush: (timeoutMs: number) => Promise<void> } | undefined {
  if (traceTopic === undefined) return undefined;
  const dispatcher = new TraceDispatcher(client, { topic: traceTopic, group, role: 'P', logger });
  return {
    tracer: new SendTracer(dispatcher, group, namespace),
    flush: (timeoutMs) => dispatcher.close(timeoutMs),
  };
}
