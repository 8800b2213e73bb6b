import {
  decodeProperties,
  MessageProperty,
  type TraceMessageType,
  withoutNamespace,
} from '@dt/rocketmq-protocol';
import type { EncodedMessage } from '../producer/message.ts';
import type { Sent } from '../producer/send-steps.ts';
import type { TraceDispatcher } from './trace-dispatcher.ts';

/** Traces messages that were stored. */
export class SendTracer {
  readonly #dispatcher: TraceDispatcher;
  readonly #group: string;
  readonly #namespace: string | undefined;

  constructor(dispatcher: TraceDispatcher, group: string, namespace: string | undefined) {
    this.#dispatcher = dispatcher;
    this.#group = withoutNamespace(group, namespace);
    this.#namespace = namespace;
  }

  /** The message at this position of a request was stored. */
  stored(encoded: EncodedMessage, sent: Sent, position: number, isHalf = false): void {
    // The broker's switch.
    if (!sent.isTraced) return;
    const properties = decodeProperties(encoded.properties);
    const messageType: TraceMessageType = isHalf ? 'half' : encoded.delayed ? 'delay' : 'normal';
    this.#dispatcher.add({
      type: 'Pub',
      timestamp: sent.startedAt,
      regionId: sent.regionId,
      group: this.#group,
      topic: withoutNamespace(encoded.topic, this.#namespace),
      messageId: encoded.messageId,
      tag: properties[MessageProperty.TAGS] ?? '',
      keys: properties[MessageProperty.KEYS] ?? '',
      storeHost: sent.address,
      bodyBytes: encoded.body.length,
      costMs: Date.now() - sent.startedAt,
      messageType,
      offsetMessageId: sent.offsetMessageIds[position] ?? '',
      success: sent.status === 'SEND_OK',
    });
  }
}
