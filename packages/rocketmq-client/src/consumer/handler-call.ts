import type { MessageQueue } from '@dt/rocketmq-protocol';
import { onAbort } from '../timing/on-abort.ts';
import type { HandlerContext, MessageHandler } from './options.ts';
import type { CachedMessage } from './received-message.ts';

export interface HandlerCallOptions {
  handler: MessageHandler;
  queue: MessageQueue;
  attempt: number;
  /** Fires when the queue no longer belongs to this consumer. */
  abandoned: AbortSignal;
  /** After it the call counts as failed, and its signal fires. `undefined`: it may take for ever. */
  timeoutMs: number | undefined;
}

/** How a handler call ended, or that it did not. */
export type HandlerOutcome =
  | { status: 'done' }
  | { status: 'failed'; failed: readonly CachedMessage[]; error: unknown }
  | { status: 'overdue'; ended: Promise<unknown> };

/** Calls the handler with these messages. Never rejects. */
export function callHandler(
  batch: readonly CachedMessage[],
  options: HandlerCallOptions,
): Promise<HandlerOutcome> {
  const { handler, abandoned, timeoutMs } = options;
  const messages = batch.map(({ message }) => message);
  const context = new CallContext(options);
  const outcome = outcomeOf(batch, () => handler(messages, context));
  return new Promise((resolve) => {
    const timer =
      timeoutMs !== undefined &&
      setTimeout(() => {
        // How a call of an abandoned queue ends no longer matters, only that it does.
        if (abandoned.aborted) return;
        context.abort(new Error(`not done within ${timeoutMs} ms`));
        resolve({ status: 'overdue', ended: outcome });
      }, timeoutMs);
    void outcome.then((ended) => {
      if (timer !== false) clearTimeout(timer);
      context.end();
      resolve(ended);
    });
  });
}

/** Makes its signal when the handler asks for it: most never do, and it costs as much as some messages. */
class CallContext implements HandlerContext {
  readonly queue: MessageQueue;
  readonly attempt: number;
  readonly #abandoned: AbortSignal;
  #controller: AbortController | undefined;
  #unlink: () => void = () => undefined;
  #isOver = false;

  constructor({ queue, attempt, abandoned }: HandlerCallOptions) {
    this.queue = queue;
    this.attempt = attempt;
    this.#abandoned = abandoned;
  }

  get signal(): AbortSignal {
    return this.#abortable().signal;
  }

  abort(reason: Error): void {
    this.#abortable().abort(reason);
    this.end();
  }

  /** The queue's signal, which lives longer, keeps nothing of the call. */
  end(): void {
    this.#isOver = true;
    this.#unlink();
  }

  #abortable(): AbortController {
    if (this.#controller !== undefined) return this.#controller;
    const controller = (this.#controller = new AbortController());
    const abandoned = this.#abandoned;
    if (!this.#isOver) this.#unlink = onAbort(abandoned, () => controller.abort(abandoned.reason));
    return controller;
  }
}

async function outcomeOf(
  batch: readonly CachedMessage[],
  call: () => ReturnType<MessageHandler>,
): Promise<HandlerOutcome> {
  try {
    const result = await call();
    if (result === undefined || result.failed.length === 0) return { status: 'done' };
    const named = new Set(result.failed);
    const failed = batch.filter(({ message }) => named.delete(message));
    if (named.size > 0) throw new TypeError('failed: names messages that the handler was not given');
    return {
      status: 'failed',
      failed,
      error: new Error(`${failed.length} of ${batch.length} messages failed`),
    };
  } catch (error) {
    return {
      status: 'failed',
      failed: batch,
      error: error ?? new Error('the handler failed without a reason'),
    };
  }
}
