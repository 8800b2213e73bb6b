import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PUBLIC_CLASSES } from '../support/public-calls.ts';
import { runAgainstHostile } from './fuzz.ts';

/** What gives no promise, and what gives one but is the frame of every test here. */
const NOT_CALLED = new Set([
  'constructor',
  'start',
  'close',
  'pause',
  'resume',
  'position',
  'messages',
  'assign',
]);

describe('public calls against a cluster that answers wrongly', () => {
  it.each(Object.entries(PUBLIC_CLASSES))('are all tried: %s', (_, { type, calls }) => {
    const methods = new Set<string>();
    for (let at: object | null = type.prototype; at !== null && at !== Object.prototype;) {
      for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at)))
        if (typeof value === 'function' && !NOT_CALLED.has(name)) methods.add(name);
      at = Object.getPrototypeOf(at) as object | null;
    }
    // Of the base classes, for their own use.
    for (const name of ['invokeOptions', 'ofEveryMaster', 'brokersOf', 'masters', 'masterBrokers'])
      methods.delete(name);
    expect(Object.keys(calls).sort()).toEqual([...methods].sort());
  });

  // The seeds of a failure are printed; `test/soak/wrong-answers.test.ts` goes on with others.
  it.each(Object.keys(PUBLIC_CLASSES))(
    'end, and fail with a code: %s',
    async (name) => {
      await fc.assert(
        fc.asyncProperty(fc.integer(), (seed) => runAgainstHostile(name, seed)),
        { numRuns: 4, endOnFailure: true, seed: 1 },
      );
    },
    60_000,
  );
});
