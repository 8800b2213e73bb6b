import type { Backlog } from '@dt/outbox';
import { printable } from '../letters/format.ts';
import { formatTable } from '../table.ts';

/** What `dt outbox status` shows. */
export function outboxView({ outbox, relays }: Backlog): string {
  const figures = formatTable(
    ['pending', 'oldest', 'retrying', 'dead', 'sent last minute', 'free lanes'],
    [
      [
        outbox.exact ? String(outbox.pending) : `~${outbox.pending}`,
        age(outbox.oldestMs),
        String(outbox.retrying),
        String(outbox.dead),
        String(outbox.sentLastMinute),
        String(outbox.freeLanes),
      ],
    ],
    [true, true, true, true, true, true],
  );
  if (relays.length === 0) return `${figures}\n\nno relay runs`;
  const table = formatTable(
    ['relay', 'lanes', 'lease left', 'sent last minute'],
    relays.map((relay) => [
      printable(relay.instance),
      String(relay.lanes),
      age(relay.leaseMs),
      String(relay.sentLastMinute),
    ]),
    [false, true, true, true],
  );
  return `${figures}\n\n${table}`;
}

/** What `dt inbox status` shows. */
export function inboxView({ inbox }: Backlog): string {
  if (inbox.length === 0) return 'no message waits and none is dead, in any group';
  return formatTable(
    ['group', 'pending', 'oldest', 'dead'],
    inbox.map((group) => [
      printable(group.consumerGroup),
      String(group.pending),
      age(group.oldestMs),
      String(group.dead),
    ]),
    [false, true, true, true],
  );
}

/** `0 s`, `4.2 s`, `3 min`, `26 h`, `12 d`: the unit in which the number says most. */
export function age(ms: number): string {
  if (ms < 10_000) return `${Number((ms / 1000).toFixed(1))} s`;
  const units = [
    [1000, 's', 120],
    [60_000, 'min', 120],
    [3_600_000, 'h', 72],
  ] as const;
  for (const [unitMs, name, most] of units)
    if (ms < unitMs * most) return `${Math.round(ms / unitMs)} ${name}`;
  return `${Math.round(ms / 86_400_000)} d`;
}
