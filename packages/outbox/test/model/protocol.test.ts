import { describe, expect, it } from 'vitest';
import { look } from './look.ts';
import { ALL_MECHANISMS, type Harm, type Mechanisms, type Rule } from './protocol.ts';

describe('The protocol of leases and acknowledgements', () => {
  // With three rows, the last two take half a minute on a busy machine: a soak test.
  it.each<[Partial<Harm>, rows: number]>([
    [{ crashes: 1, failures: 1 }, 3],
    [{ crashes: 1, leaves: 1 }, 3],
    [{ failures: 2 }, 3],
    [{ failures: 1, leaves: 1 }, 3],
    [{ expiries: 1, leaves: 1 }, 3],
    [{ expiries: 1, crashes: 1 }, 2],
    [{ expiries: 1, failures: 1 }, 2],
  ])('keeps every rule in every state that %j can lead to, with %i rows', (harm, rows) => {
    const found = look(ALL_MECHANISMS, harm, rows);
    expect(found).toEqual({ states: expect.any(Number) as number });
    expect(found.states).toBeGreaterThan(5000);
  });

  /** What breaks without each mechanism, and what has to go wrong for that. */
  const needs: [keyof Mechanisms, Rule, Partial<Harm>, rows?: number][] = [
    ['fencedMarks', 'an old epoch changes nothing', { expiries: 1 }],
    ['recheckBeforeSend', 'nothing is begun without the lane', { expiries: 1 }],
    ['trustEndsFirst', 'one sender at a time relies on the lane', { expiries: 1 }],
    ['takeOnlyFree', 'one sender at a time relies on the lane', {}],
    ['markAfterSend', 'only what the broker has is marked', {}],
    ['sealedPositions', 'nothing is lost', {}, 2],
    ['sealedPositions', 'no inversion within a key', {}],
    ['sealReadFirst', 'nothing is lost', {}, 2],
    ['holdFailedKeys', 'no inversion within a key', { failures: 1 }],
    ['rewindToFailed', 'nothing is lost', { failures: 1 }, 2],
    ['keepRewinds', 'nothing is lost', { failures: 1 }, 2],
    ['floorBelowHeld', 'nothing is lost', { failures: 1, leaves: 1 }, 2],
    ['leaveWhenIdle', 'a double only after a crash, a lost lease or an unknown outcome', { leaves: 1 }],
    ['stopAtFailure', 'no inversion within a key', { failures: 1 }],
  ];
  it.each(needs)('without %s breaks the rule: %s', (mechanism, rule, harm, rows) => {
    const { broken, stuck } = look({ ...ALL_MECHANISMS, [mechanism]: false }, harm, rows);
    expect(broken?.rule ?? (stuck && 'nothing is lost')).toBe(rule);
  });

  it('has a case for each mechanism', () => {
    expect(new Set(needs.map(([mechanism]) => mechanism))).toEqual(new Set(Object.keys(ALL_MECHANISMS)));
  });
});
