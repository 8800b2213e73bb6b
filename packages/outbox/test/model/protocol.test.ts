import { describe, expect, it } from 'vitest';
import { explore } from './explore.ts';
import {
  ALL_MECHANISMS,
  FIRST,
  type Harm,
  isDone,
  type Mechanisms,
  nameOf,
  type Rule,
  steps,
} from './protocol.ts';

const NO_HARM: Harm = { crashes: 0, expiries: 0, failures: 0, leaves: 0 };

const look = (mechanisms: Mechanisms, harm: Partial<Harm>, rows = 3) =>
  explore({
    first: FIRST,
    steps: (state) => steps(state, mechanisms, { ...NO_HARM, ...harm }, rows),
    isGoal: (state) => isDone(state, rows),
    nameOf,
  });

describe('The protocol of leases and acknowledgements', () => {
  it.each<Partial<Harm>>([
    { crashes: 1, failures: 1 },
    { crashes: 1, leaves: 1 },
    { failures: 2 },
    { failures: 1, leaves: 1 },
    { expiries: 1, leaves: 1 },
    { expiries: 1, crashes: 1 },
    { expiries: 1, failures: 1 },
  ])(
    'keeps every rule in every state that %j can lead to',
    (harm) => {
      const found = look(ALL_MECHANISMS, harm);
      expect(found).toEqual({ states: expect.any(Number) as number });
      expect(found.states).toBeGreaterThan(5000);
    },
    120_000,
  );

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
