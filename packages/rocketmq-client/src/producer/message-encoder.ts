import { messageIds } from '../client/index.ts';
import { messageOf } from '../errors.ts';
import { withTraceContext } from '../trace/trace-context.ts';
import { encodeMessage, type EncodedMessage, type Message } from './message.ts';
import type { CheckedProducerOptions } from './options.ts';

/** Makes messages ready to be written: with an id of their own, and their trace context. */
export class MessageEncoder {
  readonly #options: Pick<CheckedProducerOptions, 'traceContext' | 'logger'>;
  readonly #nextMessageId = messageIds();

  constructor(options: Pick<CheckedProducerOptions, 'traceContext' | 'logger'>) {
    this.#options = options;
  }

  /** Throws SendError `message-invalid` for what a broker would refuse anyway. */
  encode(message: Message): EncodedMessage {
    return encodeMessage(this.#traced(message), this.#nextMessageId());
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
