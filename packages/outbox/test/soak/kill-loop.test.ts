import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestSchema, type TestSchema } from '../support/database.ts';
import { compile, type Compiled } from '../support/compile.ts';
import { killLoop, relayStarter } from '../support/kill-loop.ts';

let schema: TestSchema;
let compiled: Compiled;

beforeAll(async () => {
  [schema, compiled] = await Promise.all([createTestSchema(), compile()]);
});
afterAll(async () => {
  await Promise.all([schema.drop(), compiled.remove()]);
});

it('loses nothing and keeps the order of each key over 300 kills', async () => {
  const { written } = await killLoop(schema, relayStarter(compiled, schema), 300);
  expect(written).toBeGreaterThan(1000);
});
