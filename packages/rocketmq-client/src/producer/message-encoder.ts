import { withNamespace } from '@dt/rocketmq-protocol';
import { messageIds } from '../client/index.ts';
import { messageOf } from '../errors.ts';
import { withTraceContext } from '../trace/trace-context.ts';
import { encodeMessage, type EncodedMessage, type Message } from './message.ts';
import type { CheckedProducerOptions } from './options.ts';

type EncoderOptions = Pick<CheckedProducerOptions, 'namespace' | 'traceContext' | 'logger'>;

/** Makes messages ready to be written: with an id of their own, and their trace context. */
export class MessageEncoder {
  readonly #options: EncoderOptions;
  readonly #nextMessageId = messageIds();

  constructor(options: EncoderOptions) {
    this.#options = options;
  }

  /** With properties of the protocol itself. Throws SendError `message-invalid` for what a broker would refuse anyway. */
  encode(message: Message, own?: Readonly<Record<string, string>>): EncodedMessage {
    return encodeMessage(this.#named(this.#traced(message)), this.#nextMessageId(), own);
  }

  /** With the topic's name on the wire. */
  #named(message: Message): Message {
    const { namespace } = this.#options;
    if (namespace === undefined || typeof message.topic !== 'string') return message;
    return { ...message, topic: withNamespace(message.topic, namespace) };
  }

  #traced(message: Message): Message {
    const { traceContext, logger } = this.#options;
    if (traceContext === undefined) return message;
    try {
      return withTraceContext(message, traceContext(message));
    } catch (error) {
      // A message is worth more than its trace.
      logger.warn('trace context failed', { error: messageOf(error) });
      return message;
    }
  }
}
