import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateAverage } from '../../src/consumer/allocate-average.ts';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('sharing out queues', () => {
  it.each([
    [
      8,
      3,
      [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7],
      ],
    ],
    [2, 3, [[0], [1], []]],
    [3, 2, [[0, 1], [2]]],
    [4, 1, [[0, 1, 2, 3]]],
    [0, 2, [[], []]],
  ])('gives %i queues to %i clients as Java does', (queues, clients, shares) => {
    const ids = numbers(clients).map((n) => `c${n}`);
    expect(ids.map((id) => allocateAverage(numbers(queues), ids, id))).toEqual(shares);
  });

  it('gives nothing to a client that the group does not know', () => {
    expect(allocateAverage([1, 2], ['a'], 'b')).toEqual([]);
    expect(allocateAverage([1, 2], [], 'b')).toEqual([]);
  });

  it('gives every queue to exactly one client, and nobody two more than another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 50 }), (queues, clients) => {
        const ids = numbers(clients).map((n) => `c${n}`);
        const shares = ids.map((id) => allocateAverage(numbers(queues), ids, id));
        expect(shares.flat()).toEqual(numbers(queues));
        const sizes = shares.map((share) => share.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
