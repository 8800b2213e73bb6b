import { durationMs, integer, invalidOption } from '../options.ts';
import type { ReceivedMessage } from '../consumer/received-message.ts';
import { type CheckedProducerOptions, checkProducerOptions, type ProducerOptions } from './options.ts';

/** How a local transaction ended; `unknown` leaves the question to a later check. */
export type TransactionState = 'commit' | 'rollback' | 'unknown';

/**
 * Says how the local transaction of a message ended, from what is stored: the broker asks any producer of the group,
 * maybe in another process, long after. What throws, or takes longer than `checkTimeoutMs`, counts as `unknown`.
 */
export type TransactionChecker = (
  message: ReceivedMessage,
  context: { signal: AbortSignal },
) => Promise<TransactionState>;

export interface TransactionProducerOptions extends Omit<
  ProducerOptions,
  'maxBatchMessages' | 'maxBatchBytes' | 'lingerMs' | 'avoidSlowBrokers'
> {
  checker: TransactionChecker;
  /** Calls of the checker at the same time. @default 8 */
  checkConcurrency?: number;
  /** Checks that run or wait; one more is dropped: the broker asks again. @default 2000 */
  maxPendingChecks?: number;
  /** Time for one call of the checker. @default 10000 */
  checkTimeoutMs?: number;
}

export interface CheckedTransactionOptions extends CheckedProducerOptions {
  readonly checker: TransactionChecker;
  readonly checkConcurrency: number;
  readonly maxPendingChecks: number;
  readonly checkTimeoutMs: number;
}

export function checkTransactionOptions(options: TransactionProducerOptions): CheckedTransactionOptions {
  if (typeof options.checker !== 'function') {
    throw invalidOption('checker', options.checker, 'expected a function');
  }
  return {
    ...checkProducerOptions(options),
    checker: options.checker,
    checkConcurrency: integer('checkConcurrency', options.checkConcurrency, 8, 1, 1024),
    maxPendingChecks: integer('maxPendingChecks', options.maxPendingChecks, 2000, 1, 1_000_000),
    checkTimeoutMs: durationMs('checkTimeoutMs', options.checkTimeoutMs, 10_000),
  };
}
