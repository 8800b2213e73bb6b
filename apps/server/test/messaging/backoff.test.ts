import { expect, it } from 'vitest';
import { untilItWorks } from '../../src/messaging/backoff.ts';

it('tries with growing pauses until it works', async () => {
  const pauses: number[] = [];
  let attempts = 0;
  const answer = await untilItWorks(
    async () => {
      attempts += 1;
      if (attempts < 5) throw new Error(`attempt ${attempts}`);
      return 'done';
    },
    {
      firstMs: 4,
      maxMs: 16,
      signal: new AbortController().signal,
      onFailure: (_, pauseMs) => pauses.push(pauseMs),
    },
  );
  expect(answer).toBe('done');
  expect(pauses).toHaveLength(4);
  for (const [at, most] of [4, 8, 16, 16].entries()) {
    expect(pauses[at]).toBeLessThanOrEqual(most);
    expect(pauses[at]).toBeGreaterThanOrEqual(Math.round(most * 0.75));
  }
});

it('stops in the middle of a pause when told to', async () => {
  const stop = new AbortController();
  const answer = untilItWorks(() => Promise.reject(new Error('never')), {
    firstMs: 60_000,
    maxMs: 60_000,
    signal: stop.signal,
    onFailure: () => stop.abort(),
  });
  expect(await answer).toBeUndefined();
});
