import { describe, expect, it } from 'vitest';
import { SendError } from '../../src/errors.ts';
import { SendWindow } from '../../src/producer/send-window.ts';

const limits = { maxPendingMessages: 2, maxPendingBytes: 100, whenFull: 'wait' as const };
const call = { timeoutMs: 5000 };

describe('the window of messages under way', () => {
  it('has room up to the number of messages and the number of bytes', async () => {
    const window = new SendWindow(limits);
    expect(window.enter(1, 10, call)).toBeUndefined();
    expect(window.enter(1, 10, call)).toBeUndefined();
    const third = window.enter(1, 10, call);
    expect(third).toBeInstanceOf(Promise);
    window.leave(1, 10);
    await third;
    window.leave(1, 10);
    const large = window.enter(1, 95, call);
    window.leave(1, 10);
    await large;
  });

  it('lets those who wait in, in the order they came, and nobody pass them', async () => {
    const window = new SendWindow(limits);
    void window.enter(1, 90, call);
    const order: string[] = [];
    const large = window.enter(1, 50, call)?.then(() => order.push('large'));
    // It would fit, but somebody is before it.
    const small = window.enter(1, 1, call)?.then(() => order.push('small'));
    expect(small).toBeDefined();
    window.leave(1, 90);
    await Promise.all([large, small]);
    expect(order).toEqual(['large', 'small']);
  });

  it('takes alone what is larger than itself', () => {
    const window = new SendWindow(limits);
    expect(window.enter(5, 5000, call)).toBeUndefined();
  });

  it('refuses at once when it is to', () => {
    const window = new SendWindow({ ...limits, whenFull: 'error' });
    void window.enter(2, 0, call);
    expect(() => window.enter(1, 0, call)).toThrow(SendError);
    expect(() => window.enter(1, 0, call)).toThrow(/2 messages of 0 bytes are under way/);
  });

  it('ends a wait by its time, by its signal and at the close', async () => {
    const window = new SendWindow(limits);
    void window.enter(2, 0, call);
    await expect(window.enter(1, 0, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'overloaded',
      outcome: 'not-sent',
      retryable: true,
    });
    const abort = new AbortController();
    const given = window.enter(1, 0, { timeoutMs: 5000, signal: abort.signal });
    abort.abort();
    await expect(given).rejects.toMatchObject({ code: 'aborted', outcome: 'not-sent' });
    const closed = window.enter(1, 0, call);
    window.refuseWaiting(new SendError('closed', 'closed'));
    await expect(closed).rejects.toMatchObject({ code: 'closed' });
    const idle = window.idle();
    window.leave(2, 0);
    await idle;
  });
});
