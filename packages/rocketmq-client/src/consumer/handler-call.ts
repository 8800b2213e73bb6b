import type { MessageQueue } from '@dt/rocketmq-protocol';
import { onAbort } from '../timing/on-abort.ts';
import { endsWithin } from '../timing/pause.ts';
import type { MessageHandler } from './options.ts';
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
export async function callHandler(
  batch: readonly CachedMessage[],
  options: HandlerCallOptions,
): Promise<HandlerOutcome> {
  const { handler, queue, attempt, abandoned, timeoutMs } = options;
  const messages = batch.map(({ message }) => message);
  const call = (signal: AbortSignal): Promise<HandlerOutcome> =>
    outcomeOf(batch, () => handler(messages, { queue, signal, attempt }));
  if (timeoutMs === undefined) return call(abandoned);
  const overdue = new AbortController();
  const release = onAbort(abandoned, () => overdue.abort(abandoned.reason));
  const outcome = call(overdue.signal);
  const inTime = await endsWithin(outcome, timeoutMs);
  release();
  if (inTime || abandoned.aborted) return outcome;
  overdue.abort(new Error(`not done within ${timeoutMs} ms`));
  return { status: 'overdue', ended: outcome };
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
