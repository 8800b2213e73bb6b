import { expect, it } from 'vitest';
import { inOrder } from '../src/in-order.ts';

it('gives results in order, whichever ends first, and works on no more than the limit', async () => {
  let underWay = 0;
  let most = 0;
  const work = async (ms: number): Promise<number> => {
    most = Math.max(most, (underWay += 1));
    await new Promise((resolve) => setTimeout(resolve, ms));
    underWay -= 1;
    return ms;
  };
  const results: number[] = [];
  for await (const result of inOrder([9, 1, 5, 0, 3], 2, work)) results.push(result);
  expect(results).toEqual([9, 1, 5, 0, 3]);
  expect(most).toBe(2);
});

it('fails with the first failure', async () => {
  const work = async (n: number): Promise<number> => {
    if (n > 1) throw new Error(`no ${n}`);
    return n;
  };
  const results: number[] = [];
  await expect(
    (async () => {
      for await (const result of inOrder([1, 2, 3], 3, work)) results.push(result);
    })(),
  ).rejects.toThrow('no 2');
  expect(results).toEqual([1]);
});
