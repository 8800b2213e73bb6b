import { describe, expect, it } from 'vitest';
import { Breaker } from '../../src/relay/breaker.ts';

describe('Breaker', () => {
  it('pauses longer and probes smaller while calls throw, down to one message', () => {
    const breaker = new Breaker(1000, { initialMs: 100, maxMs: 5000 });
    const batches: number[] = [];
    for (let i = 0; i < 8; i++) {
      breaker.failed(0, breaker.batch, true);
      batches.push(breaker.batch);
      const fullMs = Math.min(5000, 100 * 2 ** i);
      expect(breaker.untilMs).toBeGreaterThanOrEqual(fullMs / 2);
      expect(breaker.untilMs).toBeLessThanOrEqual(fullMs);
    }
    expect(batches).toEqual([250, 62, 15, 3, 1, 1, 1, 1]);
    expect(breaker.open).toBe(true);
    expect([breaker.isSmall(1, true), breaker.isSmall(2, true)]).toEqual([true, false]);
  });

  it('keeps looking often and writes a few rows while messages fail for themselves', () => {
    const breaker = new Breaker(1000, { initialMs: 100, maxMs: 5000 });
    for (let i = 0; i < 8; i++) breaker.failed(0, breaker.batch, false);
    expect(breaker.batch).toBe(64);
    expect(breaker.untilMs).toBeLessThanOrEqual(250);
    expect([breaker.isSmall(64, false), breaker.isSmall(65, false)]).toEqual([true, false]);
    expect(breaker.succeeded()).toBe(false);
  });

  it('tells the end of an outage and grows back by and by', () => {
    const breaker = new Breaker(100, { initialMs: 100, maxMs: 5000 });
    for (let i = 0; i < 4; i++) breaker.failed(0, breaker.batch, true);
    expect(breaker.batch).toBe(1);
    expect(breaker.succeeded()).toBe(true);
    expect(breaker.open).toBe(false);
    expect(breaker.untilMs).toBe(0);
    expect(breaker.batch).toBe(4);
    for (let i = 0; i < 5; i++) expect(breaker.succeeded()).toBe(false);
    expect(breaker.batch).toBe(100);
  });
});
