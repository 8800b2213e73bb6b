import fc from 'fast-check';
import { expect, it } from 'vitest';
import { groupByHandler } from '../../src/inbox/stages.ts';
import { type InboxMessage } from '../../src/index.ts';

const message = fc.record({
  tag: fc.constantFrom('a', 'b', 'c'),
  shardingKey: fc.constantFrom('1', '2', '3', '4'),
});
const handlers = { a: () => Promise.resolve(), b: () => Promise.resolve(), c: () => Promise.resolve() };

it('groups by handler, keeps all messages and the order of each sharding key', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 60 }), (list) => {
      const messages = list.map((m, i): InboxMessage => {
        return { ...m, messageKey: String(i), topic: 't', payload: {}, headers: {}, messageId: undefined };
      });
      const groups = groupByHandler(messages, (m) => handlers[m.tag as 'a' | 'b' | 'c']);
      for (const { handler, messages: group } of groups) {
        expect(group.every((m) => handlers[m.tag as 'a' | 'b' | 'c'] === handler)).toBe(true);
      }
      const order = groups.flatMap((group) => group.messages);
      for (const key of ['1', '2', '3', '4']) {
        const of = (all: readonly InboxMessage[]): string[] =>
          all.filter((m) => m.shardingKey === key).map((m) => m.messageKey);
        expect(of(order)).toEqual(of(messages));
      }
      // As few calls as a key's changes of handler demand.
      expect(groups.length).toBeLessThanOrEqual(messages.length);
    }),
  );
});
