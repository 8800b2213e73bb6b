import { afterAll, beforeAll, it } from 'vitest';
import { comeAndGo } from '../support/come-and-go.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

let schema: TestSchema;

beforeAll(async () => {
  schema = await createTestSchema(40);
});
afterAll(() => schema.drop());

it.each([2, 4, 8])(
  'up to %i relays come and go 100 times: nothing is sent twice or overtakes',
  async (most) => {
    const { written } = await comeAndGo(schema, most, 100);
    process.stderr.write(`come and go: ${JSON.stringify({ most, written })}\n`);
  },
);
