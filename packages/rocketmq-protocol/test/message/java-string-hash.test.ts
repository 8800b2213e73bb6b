import { describe, expect, it } from 'vitest';
import { javaStringHashCode, queueIndexByHash } from '@dt/rocketmq-protocol';

describe('javaStringHashCode', () => {
  it.each([
    ['', 0],
    ['TagA', 2598919],
    ['TagB', 2598920],
    ['Aa', 2112],
    ['BB', 2112],
    ['polygenelubricants', -2147483648],
  ])('of %j is %i', (text, hash) => {
    expect(javaStringHashCode(text)).toBe(hash);
  });
});

describe('queueIndexByHash', () => {
  it('takes the remainder before the absolute value, so the smallest int has a queue too', () => {
    expect(queueIndexByHash(-2147483648, 3)).toBe(2);
    expect(queueIndexByHash(-7, 4)).toBe(3);
    expect(queueIndexByHash(7, 4)).toBe(3);
  });
});
