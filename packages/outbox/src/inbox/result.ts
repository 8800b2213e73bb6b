import { type InboxMessage } from './message.ts';

/** What is written to a row after an attempt. */
export interface StoredResult {
  readonly messageKey: string;
  readonly status: 0 | 1 | 2;
  readonly attempts: number;
  readonly delayMs: number | null;
  readonly error: string | null;
}

export function resultArrays(group: string, results: readonly StoredResult[]): unknown[] {
  return [
    group,
    results.map((r) => r.messageKey),
    results.map((r) => r.status),
    results.map((r) => r.attempts),
    results.map((r) => r.delayMs),
    results.map((r) => r.error),
  ];
}

/** A message without a handler, where that is no way to be done. */
export function unknownResult(
  { messageKey, tag }: Pick<InboxMessage, 'messageKey' | 'tag'>,
  attempts: number,
): StoredResult {
  return {
    messageKey,
    status: 2,
    attempts,
    delayMs: null,
    error: `no handler for the tag ${tag ?? '(none)'}`,
  };
}
