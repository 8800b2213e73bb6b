import { eventually } from '@dt/testkit';
import { expect, it } from 'vitest';
import { every } from '../../src/operations/interval.ts';

it('goes on after a run that failed, and reports it', async () => {
  let runs = 0;
  const errors: unknown[] = [];
  const interval = every(
    1,
    async () => {
      runs += 1;
      if (runs === 1) throw new Error('first');
    },
    (error) => errors.push(error),
  );
  await eventually(() => runs >= 3);
  await interval.close();
  expect(errors).toEqual([new Error('first')]);
});

it('never runs two at a time, and close waits for the one under way', async () => {
  let running = 0;
  let most = 0;
  let finish: (() => void) | undefined;
  const interval = every(
    1,
    () => {
      running += 1;
      most = Math.max(most, running);
      return new Promise<void>((resolve) => {
        finish = () => {
          running -= 1;
          resolve();
        };
      });
    },
    () => undefined,
  );
  await eventually(() => finish !== undefined);
  const closing = interval.close();
  expect(running).toBe(1);
  finish?.();
  await closing;
  expect({ running, most }).toEqual({ running: 0, most: 1 });
});
