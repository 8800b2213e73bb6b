import { type Queryable } from '../database/database.ts';
import { OutboxError } from '../errors.ts';

/**
 * Runs a handler on a transaction that it has only on loan: when it returns or its time is over, what it still tries to
 * write is refused instead of landing in somebody else's work.
 */
export async function lend(
  tx: Queryable,
  timeoutMs: number,
  work: (lent: Queryable, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  let over = false;
  const lent: Queryable = {
    query: async (text, values) => {
      if (over) throw new OutboxError('transaction-over', 'the handler has ended, its transaction is gone');
      return tx.query(text, values);
    },
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new OutboxError('handler-timeout', `the handler took longer than ${timeoutMs} ms`, {
        retryable: true,
      });
      controller.abort(error);
      reject(error);
    }, timeoutMs);
  });
  try {
    await Promise.race([(async () => work(lent, controller.signal))(), late]);
  } finally {
    over = true;
    clearTimeout(timer);
  }
}
