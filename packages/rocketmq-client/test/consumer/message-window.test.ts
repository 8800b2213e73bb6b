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

  it('forgets everything at a reset', () => {
    const window = new MessageWindow(0);
    window.append([cached(0)], 1);
    const { epoch } = window;
    window.reset(50);
    expect([window.commitOffset, window.nextPullOffset, window.count, window.bytes]).toEqual([50, 50, 0, 0]);
    expect(window.epoch).not.toBe(epoch);
  });
});
