import { describe, expect, it } from 'vitest';
import { type PendingRequest, PendingRequests } from '../../src/transport/pending-requests.ts';

function request(opaque: number): PendingRequest {
  return {
    ...{ opaque, code: 310, oneway: false, startedAt: Date.now(), timeoutMs: 60_000, written: true },
    ...{ release: undefined, receiver: { answered: () => undefined, failed: () => undefined } },
  };
}

function add(pending: PendingRequests): number {
  const opaque = pending.nextOpaque();
  pending.add(request(opaque));
  return opaque;
}

describe('requests that wait', () => {
  it('finds each of more than there is room for at first, once', () => {
    const pending = new PendingRequests(() => undefined);
    const opaques = Array.from({ length: 1000 }, () => add(pending));
    expect(new Set(opaques).size).toBe(1000);
    expect(pending.size).toBe(1000);
    for (const opaque of opaques) expect(pending.take(opaque)?.opaque).toBe(opaque);
    for (const opaque of opaques) expect(pending.take(opaque)).toBeUndefined();
    expect(pending.size).toBe(0);
    pending.takeAll();
  });

  it('passes by what waits for long while others come and go', () => {
    const pending = new PendingRequests(() => undefined);
    const long = add(pending);
    const others = Array.from({ length: 200 }, () => pending.take(add(pending))?.opaque);
    expect(others).not.toContain(undefined);
    expect(others).not.toContain(long);
    expect(pending.get(long)?.opaque).toBe(long);
    expect(pending.takeAll()).toHaveLength(1);
  });

  it('finds nobody for a number that was not given, also where one with the same low bits waits', () => {
    const pending = new PendingRequests(() => undefined);
    const opaque = add(pending);
    for (const other of [opaque + 64, opaque + 2 ** 20, opaque - 64, -opaque, 0])
      expect(pending.get(other)).toBeUndefined();
    expect(pending.takeAll()).toHaveLength(1);
  });

  it('tells since when the oldest waits', () => {
    const pending = new PendingRequests(() => undefined);
    expect(pending.oldestStartedAt).toBeUndefined();
    for (const startedAt of [5000, 3000, 4000])
      pending.add({ ...request(pending.nextOpaque()), startedAt, timeoutMs: 1e9 });
    expect(pending.oldestStartedAt).toBe(3000);
    pending.takeAll();
  });
});
