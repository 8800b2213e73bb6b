import { type Queryable, withSavepoint } from '../database/database.ts';
import { OutboxError } from '../errors.ts';

/**
 * Runs a handler on a transaction that it has only on loan: when it returns, its time is over or `stop` aborts, what it
 * still tries to write is refused instead of landing in somebody else's work.
 */
export async function lend(
  tx: Queryable,
  timeoutMs: number,
  stop: AbortSignal,
  work: (lent: Queryable, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  let end = (_error: Error): void => {};
  const ended = new Promise<never>((_resolve, reject) => {
    end = (error) => {
      controller.abort(error);
      reject(error);
    };
  });
  ended.catch(() => {});
  const timer = setTimeout(() => {
    end(
      new OutboxError('handler-timeout', `the handler took longer than ${timeoutMs} ms`, { retryable: true }),
    );
  }, timeoutMs);
  const onStop = (): void => {
    end(stop.reason as Error);
  };
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  let over = false;
  try {
    const lent = lentOf(tx, () => over);
    await Promise.race([ended, (async () => work(lent, controller.signal))()]);
  } finally {
    over = true;
    clearTimeout(timer);
    stop.removeEventListener('abort', onStop);
  }
}

function lentOf(tx: Queryable, isOver: () => boolean): Queryable {
  const lent: Queryable = {
    query: async (text, values) => {
      if (isOver())
        throw new OutboxError('transaction-over', 'the handler has ended, its transaction is gone');
      return tx.query(text, values);
    },
  };
  if (tx.savepoint === undefined) return lent;
  return { ...lent, savepoint: (work) => withSavepoint(tx, (inner) => work(lentOf(inner, isOver))) };
}
