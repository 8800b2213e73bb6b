import type { Backlog } from '@dt/outbox';

export interface OutboxHealth {
  readonly healthy: boolean;
  readonly text: string;
}

/** Bad when the oldest message has waited longer than `limitSeconds`; 0 is no limit. */
export function outboxHealth({ outbox }: Pick<Backlog, 'outbox'>, limitSeconds: number): OutboxHealth {
  const about = outbox.exact ? '' : 'about ';
  const text =
    outbox.pending === 0
      ? 'no message waits'
      : `${about}${outbox.pending} messages wait, the oldest for ${Math.round(outbox.oldestMs / 1000)} s`;
  if (limitSeconds === 0 || outbox.oldestMs <= limitSeconds * 1000)
    return { healthy: true, text: `ok: ${text}` };
  return { healthy: false, text: `${text}; allowed are ${limitSeconds} s` };
}
