import { type BatchHandler } from '@dt/outbox';
import { ReportAdditions, type RoundEvent } from './report.ts';
import { addEntries, entryOf, type Entry } from './statement.ts';

export { MessageBodyError } from './body.ts';

export type ProjectedTag = Entry['event'] | RoundEvent;

const ORDER_EVENTS: ReadonlySet<string> = new Set<Entry['event']>(['bet_placed', 'order_settled']);

/**
 * What the inbox does with each event: the players' statements and the report of each round, two statements for any
 * number of messages. One handler serves all tags, so that a batch is not cut at each change of the tag, and reports
 * count exactly those entries that are new in the statements: a message applied twice adds to neither.
 */
export function projectionHandlers(): Record<ProjectedTag, BatchHandler> {
  const handler: BatchHandler = {
    async batch(tx, messages) {
      const entries: Entry[] = [];
      const additions = new ReportAdditions();
      for (const message of messages) {
        const event = message.tag ?? '';
        if (ORDER_EVENTS.has(event)) entries.push(entryOf(message, event as Entry['event']));
        else additions.addRoundEvent(message, event as RoundEvent);
      }
      for (const entry of await addEntries(tx, entries)) additions.addEntry(entry);
      await additions.write(tx);
    },
  };
  return {
    game_started: handler,
    bet_placed: handler,
    game_draw_ready: handler,
    game_drawn: handler,
    order_settled: handler,
    game_ended: handler,
  };
}
