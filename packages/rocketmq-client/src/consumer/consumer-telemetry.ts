import type { MessageQueue } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { channels } from '../diagnostics.ts';
import type { Logger } from '../logger.ts';
import type { MetricsHook } from '../metrics.ts';
import { ConsumeTracer, TraceDispatcher } from '../trace/index.ts';
import { type Cached, ConsumerMeter } from './consumer-meter.ts';
import type { CachedMessage } from './received-message.ts';

export interface ConsumerTelemetryOptions {
  /** With its namespace. */
  readonly group: string;
  readonly namespace: string | undefined;
  /** Where message traces go. */
  readonly traceTopic: string | undefined;
  readonly metrics: MetricsHook | undefined;
  readonly logger: Logger;
}

/** What a consumer shows of its messages: message traces and metrics, each only when asked for, and the channel of receptions. */
export class ConsumerTelemetry {
  readonly tracer: ConsumeTracer | undefined;
  readonly meter: ConsumerMeter | undefined;
  readonly #group: string;
  readonly #traces: TraceDispatcher | undefined;

  /** `cached` tells what is held of a topic, by its name on the wire. */
  constructor(client: ClientInstance, options: ConsumerTelemetryOptions, cached: (topic: string) => Cached) {
    const { group, namespace, traceTopic, metrics, logger } = options;
    this.#group = group;
    if (traceTopic !== undefined) {
      this.#traces = new TraceDispatcher(client, { topic: traceTopic, group, role: 'C', logger });
      this.tracer = new ConsumeTracer(this.#traces, group, namespace);
    }
    if (metrics !== undefined) {
      const labels = { client_id: client.clientId, consumer_group: group };
      this.meter = new ConsumerMeter(metrics, labels, cached);
    }
  }

  /**
   * Messages of one queue, named as on the wire, go to a caller who asked for them. In traces they count as consumed then, as with Java's pull
   * consumers: what becomes of them nobody here knows.
   */
  handedOver(queue: MessageQueue, batch: readonly CachedMessage[]): void {
    this.tracer?.begins(batch)('success');
    this.meter?.begins(queue.topic, batch);
    if (!channels.receive.hasSubscribers) return;
    const { topic, queueId, brokerName } = queue;
    channels.receive.publish({ group: this.#group, topic, queueId, brokerName, messages: batch.length });
  }

  /** Sends the traces that wait, at most so long. Before the client is closed. */
  async close(timeoutMs: number): Promise<void> {
    await this.#traces?.close(timeoutMs);
  }
}

/** What these queues hold of a topic. */
export function cachedOf(
  queues: readonly { readonly queue: MessageQueue; readonly cached: Cached }[],
  topic: string,
): Cached {
  const sum = { messages: 0, bytes: 0 };
  for (const { queue, cached } of queues) {
    if (queue.topic !== topic) continue;
    sum.messages += cached.messages;
    sum.bytes += cached.bytes;
  }
  return sum;
}
