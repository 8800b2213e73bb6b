import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comeAndGo } from '../support/come-and-go.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

let schema: TestSchema;

beforeAll(async () => {
  schema = await createTestSchema(40);
});
afterAll(() => schema.drop());

describe('relays that come and go gracefully', () => {
  it.each([2, 4, 8])(
    'share the lanes fairly, send nothing twice and in order: up to %i of them',
    async (most) => {
      const { written } = await comeAndGo(schema, most, 2);
      expect(written).toBeGreaterThan(100);
    },
  );
});
