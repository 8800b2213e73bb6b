import { expect, it } from 'vitest';
import { LastMinute } from '../../src/relay/last-minute.ts';

it('tells how far a count has come in a minute', () => {
  const minute = new LastMinute();
  expect(minute.look(0, 100)).toBe(0);
  expect(minute.look(1000, 130)).toBe(30);
  expect(minute.look(60_000, 200)).toBe(100);
  expect(minute.look(61_000, 260)).toBe(130);
  expect(minute.look(200_000, 270)).toBe(10);
});
