import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fuzz } from './support/fuzz/fuzz.ts';

const MIB = 1024 * 1024;

describe('random requests', () => {
  it('are answered or end their connection, and leave others served and tables bounded', async () => {
    const result = await fuzz({ cases: 20_000, seed: 1 });
    expect(result.answered).toBeGreaterThan(15_000);
    expect(result.slowestHealthyMs).toBeLessThan(10_000);
    expect(result.heapGrowthBytes).toBeLessThan(30 * MIB);
  }, 180_000);

  it('are refused as long as they are not signed', async () => {
    const acl = fileURLToPath(new URL('../../../docker/plain_acl.yml', import.meta.url));
    const result = await fuzz({ cases: 2_000, seed: 2, acl });
    expect(result.answered).toBeGreaterThan(1_500);
  }, 60_000);
});
