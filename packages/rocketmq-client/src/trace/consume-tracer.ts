import { MessageProperty, type TraceConsumeResult, withoutNamespace } from '@dt/rocketmq-protocol';
import type { CachedMessage } from '../consumer/received-message.ts';
import type { TraceDispatcher } from './trace-dispatcher.ts';

/** Traces messages that are given to handlers. */
export class ConsumeTracer {
  readonly #dispatcher: TraceDispatcher;
  readonly #group: string;

  constructor(dispatcher: TraceDispatcher, group: string, namespace: string | undefined) {
    this.#dispatcher = dispatcher;
    this.#group = withoutNamespace(group, namespace);
  }

  /** A handler is called; returns what is to be called at its end. */
  begins(batch: readonly CachedMessage[]): (result: TraceConsumeResult) => void {
    const requestId = this.#dispatcher.nextRequestId();
    const timestamp = Date.now();
    const group = this.#group;
    const traced = batch
      .map(({ message }) => message)
      // The broker's switch, as it was when the message was stored.
      .filter(({ properties }) => properties[MessageProperty.TRACE_ON] !== 'false')
      .map(({ messageId, keys, reconsumeTimes, properties }) => ({
        ...{ messageId, keys: keys.join(' '), reconsumeTimes },
        regionId: properties[MessageProperty.MSG_REGION] ?? '',
      }));
    for (const message of traced)
      this.#dispatcher.add({ type: 'SubBefore', timestamp, group, requestId, ...message });
    return (result) => {
      const now = Date.now();
      const costMs = Math.trunc((now - timestamp) / batch.length);
      const ended = { requestId, costMs, success: result === 'success', result, timestamp: now, group };
      for (const { messageId, keys } of traced)
        this.#dispatcher.add({ type: 'SubAfter', messageId, keys, ...ended });
    };
  }
}
