import { expect, it } from 'vitest';
import { killLoop } from '../support/kill-loop.ts';

const ROUNDS = 150;

it.each(['async', 'sync'] as const)(
  `no acknowledged message is lost or doubled over ${ROUNDS} kills, flush %s`,
  async (flush) => {
    const { acknowledged } = await killLoop(flush, ROUNDS);
    expect(acknowledged).toBeGreaterThan(50 * ROUNDS);
  },
);
