import fc from 'fast-check';
import { it } from 'vitest';
import { runAgainstHostile } from '../hostile/fuzz.ts';
import { PUBLIC_CLASSES } from '../support/public-calls.ts';

const seconds = Number(process.env['ROCKETMQ_SOAK_SECONDS'] ?? 60);

it.each(Object.keys(PUBLIC_CLASSES))(
  'public calls end, and fail with a code, whatever is answered: %s',
  async (name) => {
    const limitMs = (seconds * 1000) / Object.keys(PUBLIC_CLASSES).length;
    await fc.assert(
      fc.asyncProperty(fc.integer(), (seed) => runAgainstHostile(name, seed)),
      { numRuns: 1_000_000, interruptAfterTimeLimit: limitMs, endOnFailure: true },
    );
  },
  (seconds + 60) * 1000,
);
