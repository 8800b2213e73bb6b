import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { forEachBounded } from '../../src/play/index.ts';

it('runs no more than the limit at once and misses no item', async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await forEachBounded([...Array(50).keys()], 4, async (item) => {
    most = Math.max(most, ++running);
    await turn();
    running--;
    done.push(item);
  });
  expect(most).toBe(4);
  expect(done.sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
});

it('starts nothing after a failure and throws it when the rest has ended', async () => {
  const started: number[] = [];
  let ended = 0;
  const work = forEachBounded([...Array(50).keys()], 4, async (item) => {
    started.push(item);
    await turn();
    if (item === 1) throw new Error('second');
    await turn();
    ended++;
  });
  await expect(work).rejects.toThrow('second');
  expect(ended).toBe(started.length - 1);
  expect(started.length).toBeLessThan(10);
});

it('is done at once with nothing to do', async () => {
  await forEachBounded([], 4, () => Promise.reject(new Error('not called')));
});
