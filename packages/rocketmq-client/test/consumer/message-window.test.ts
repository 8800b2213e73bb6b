import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageWindow } from '../../src/consumer/message-window.ts';
import type { CachedMessage } from '../../src/consumer/received-message.ts';

function cached(queueOffset: number): CachedMessage {
  const message = { queueOffset } as CachedMessage['message'];
  return { message, physicalOffset: queueOffset, sizeBytes: 10, arrivedAt: 0, bodyError: undefined };
}

describe('the message window', () => {
  it('commits up to the first message that is not done', () => {
    const window = new MessageWindow(5);
    expect(window.commitOffset).toBe(5);
    window.append([cached(5), cached(6), cached(9)], 12);
    expect([window.commitOffset, window.nextPullOffset, window.count, window.bytes]).toEqual([5, 12, 3, 30]);
    window.done(2);
    expect([window.commitOffset, window.bytes]).toEqual([9, 10]);
    window.done(1);
    // What was filtered out behind it is done too.
    expect(window.commitOffset).toBe(12);
  });

  it('moves the commit over messages that were not for this group', () => {
    const window = new MessageWindow(0);
    window.append([], 100);
    expect(window.commitOffset).toBe(100);
  });

  it('keeps messages that must be tried again in front', () => {
    const window = new MessageWindow(0);
    window.append([cached(0), cached(1), cached(2)], 3);
    window.done(2, [cached(1)]);
    expect(window.head(10).map(({ message }) => message.queueOffset)).toEqual([1, 2]);
    expect(window.commitOffset).toBe(1);
  });

  it('is one row of messages, however they were pulled, taken and put back', () => {
    const operation = fc.oneof(
      fc.record({ append: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ done: fc.integer({ min: 0, max: 8 }), keep: fc.integer({ min: 0, max: 3 }) }),
    );
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        (operations, size) => {
          const window = new MessageWindow(0);
          let row: CachedMessage[] = [];
          let next = 0;
          for (const step of operations) {
            if ('append' in step) {
              const pulled = Array.from({ length: step.append }, () => cached(next++));
              window.append(pulled, next);
              row.push(...pulled);
            } else {
              const taken = window.head(step.done);
              const kept = taken.slice(0, step.keep);
              window.done(taken.length, kept);
              row = [...kept, ...row.slice(taken.length)];
            }
            expect(window.head(size)).toEqual(row.slice(0, size));
            expect([window.count, window.bytes]).toEqual([row.length, row.length * 10]);
            expect(window.commitOffset).toBe(row[0]?.message.queueOffset ?? next);
            expect(window.lastOffset).toBe(row.at(-1)?.message.queueOffset);
          }
        },
      ),
    );
  });

  it('forgets everything at a reset', () => {
    const window = new MessageWindow(0);
    window.append([cached(0)], 1);
    const { epoch } = window;
    window.reset(50);
    expect([window.commitOffset, window.nextPullOffset, window.count, window.bytes]).toEqual([50, 50, 0, 0]);
    expect(window.epoch).not.toBe(epoch);
  });
});
