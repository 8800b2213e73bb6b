import { type Queryable, withSavepoint } from '../database/database.ts';
import { isConflict } from './conflict.ts';
import { checkSql } from './inbox.sql.ts';
import { lend } from './lent-transaction.ts';
import { type Handler, type Handlers, type InboxMessage } from './message.ts';
import { groupByHandler } from './stages.ts';

export interface ApplierOptions {
  readonly handlers: Handlers;
  readonly group: string;
  readonly handlerTimeoutMs: number;
  readonly unknownTag: 'done' | 'dead';
  /** Ends handlers that run. */
  readonly signal: AbortSignal;
  readonly onError: (
    error: unknown,
    message: { messageKey: string; tag: string | undefined; attempt: number },
  ) => void;
}

export type AttemptResult =
  { readonly status: 'applied' | 'unknown' } | { readonly status: 'failed'; readonly error: unknown };

/** Runs the handlers. */
export class Applier {
  readonly unknownTag: 'done' | 'dead';
  readonly counters = { failures: 0 };
  readonly #options: ApplierOptions;
  readonly #handlers: ReadonlyMap<string, Handler>;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#handlers = new Map(Object.entries(options.handlers));
    this.unknownTag = options.unknownTag;
  }

  /** Applies messages in as few calls as their order allows; returns those without a handler. */
  async applyAll<M extends InboxMessage>(tx: Queryable, messages: readonly M[]): Promise<M[]> {
    const known: M[] = [];
    const unknown: M[] = [];
    for (const message of messages) (this.#handlerOf(message) === undefined ? unknown : known).push(message);
    for (const { handler, messages: group } of groupByHandler(known, (m) => this.#handlerOf(m) as Handler)) {
      await this.#call(tx, handler, group, 1);
    }
    return unknown;
  }

  /**
   * Applies one message under a savepoint. Rejects when the transaction itself is lost, and for a conflict with another
   * transaction unless this is the `lastTry`: the caller does the whole again then.
   */
  async attempt(
    tx: Queryable,
    message: InboxMessage,
    attempt: number,
    lastTry: boolean,
  ): Promise<AttemptResult> {
    const handler = this.#handlerOf(message);
    if (handler === undefined) return { status: 'unknown' };
    try {
      await withSavepoint(tx, (step) => this.#call(step, handler, [message], attempt));
      return { status: 'applied' };
    } catch (error) {
      // A graceful end is no failed attempt.
      if (this.#options.signal.aborted || (isConflict(error) && !lastTry)) throw error;
      // Fails when not the handler but the transaction is the cause.
      await tx.query(checkSql);
      this.counters.failures += 1;
      this.#options.onError(error, { messageKey: message.messageKey, tag: message.tag, attempt });
      return { status: 'failed', error };
    }
  }

  #handlerOf(message: InboxMessage): Handler | undefined {
    const own = message.tag === undefined ? undefined : this.#handlers.get(message.tag);
    return own ?? this.#handlers.get('*');
  }

  async #call(
    tx: Queryable,
    handler: Handler,
    messages: readonly InboxMessage[],
    attempt: number,
  ): Promise<void> {
    const { group: consumerGroup, handlerTimeoutMs, signal: stop } = this.#options;
    if (typeof handler !== 'function') {
      await lend(tx, handlerTimeoutMs, stop, (lent, signal) =>
        handler.batch(lent, messages, { consumerGroup, attempt, signal }),
      );
      return;
    }
    for (const message of messages) {
      await lend(tx, handlerTimeoutMs, stop, (lent, signal) =>
        handler(lent, message, { consumerGroup, attempt, signal }),
      );
    }
  }
}
