import { expect, test } from 'vitest';
import { eventually, TestkitError } from '../src/index.ts';

test('asks until the answer is something, and gives it', async () => {
  let asked = 0;
  expect(await eventually(() => ++asked === 3 && 'there', { intervalMs: 1 })).toBe('there');
  expect(asked).toBe(3);
});

test('takes a failure for "not yet", and names the last one when time is up', async () => {
  const waiting = eventually(() => Promise.reject(new Error('still closed')), {
    timeoutMs: 30,
    intervalMs: 1,
    what: 'the door',
  });
  const error = await waiting.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TestkitError);
  expect(error).toMatchObject({ code: 'timeout', cause: new Error('still closed') });
  expect((error as Error).message).toBe('the door did not come true within 30 ms: still closed');
});
