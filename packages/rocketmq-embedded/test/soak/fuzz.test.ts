import { expect, it } from 'vitest';
import { fuzz } from '../support/fuzz/fuzz.ts';

const CASES = 1_000_000;
const MIB = 1024 * 1024;

it('a million random requests are answered or end their connection, and nothing grows', async () => {
  // Another seed every day; what fails names the one that shows it.
  const seed = Math.floor(Date.now() / 86_400_000) * 10_000;
  const result = await fuzz({ cases: CASES, seed });
  expect(result.answered).toBeGreaterThan(CASES * 0.7);
  expect(result.slowestHealthyMs).toBeLessThan(10_000);
  expect(result.heapGrowthBytes).toBeLessThan(30 * MIB);
});
