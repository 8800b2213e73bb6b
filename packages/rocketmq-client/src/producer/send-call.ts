import type { SendError } from '../errors.ts';
import type { SendTracer } from '../trace/index.ts';
import type { BatchItem } from './batch-sender.ts';
import type { EncodedMessage } from './message.ts';
import { resultOf, type SendResult } from './send-result.ts';
import type { Sent } from './send-steps.ts';
import type { SentReceiver } from './send-task.ts';
import type { SendWindow } from './send-window.ts';

/** One call of `send` that has room under way: gives the room back and settles the caller's promise, once. */
export class SendCall implements SentReceiver, BatchItem {
  readonly encoded: EncodedMessage;
  readonly #window: SendWindow;
  readonly #tracer: SendTracer | undefined;
  readonly #resolve: (result: SendResult) => void;
  readonly #reject: (error: SendError) => void;

  constructor(
    encoded: EncodedMessage,
    window: SendWindow,
    tracer: SendTracer | undefined,
    resolve: (result: SendResult) => void,
    reject: (error: SendError) => void,
  ) {
    this.encoded = encoded;
    this.#window = window;
    this.#tracer = tracer;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** By a request of its own. */
  stored(sent: Sent): void {
    this.#tracer?.stored(this.encoded, sent, 0);
    this.sent(resultOf(sent, this.encoded, 0));
  }

  sent(result: SendResult): void {
    this.#window.leave(1, this.encoded.body.length);
    this.#resolve(result);
  }

  failed(error: SendError): void {
    this.#window.leave(1, this.encoded.body.length);
    this.#reject(error);
  }
}
