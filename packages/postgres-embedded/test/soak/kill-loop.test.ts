import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { killLoop } from '../support/kill-loop.ts';
import { buildProgram, temporaryFolder } from '../support/user-process.ts';

let folder: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ folder, remove } = await temporaryFolder());
});
afterAll(() => remove());

it('loses no acknowledged row in 200 kills', async () => {
  const program = await buildProgram(folder);
  const { rounds, acknowledged } = await killLoop({
    program,
    dataDir: path.join(folder, 'data'),
    rounds: 200,
    writeMs: 1500,
  });
  expect(rounds).toBe(200);
  expect(acknowledged).toBeGreaterThan(0);
});
