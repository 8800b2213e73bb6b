import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asyncMethods, PUBLIC_CLASSES } from '../support/public-calls.ts';
import { runAgainstHostile } from './fuzz.ts';

describe('public calls against a cluster that answers wrongly', () => {
  it.each(Object.entries(PUBLIC_CLASSES))('are all tried: %s', (_, publicClass) => {
    const { calls, streams = {} } = publicClass;
    expect([...Object.keys(calls), ...Object.keys(streams)].sort()).toEqual(asyncMethods(publicClass).sort());
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
