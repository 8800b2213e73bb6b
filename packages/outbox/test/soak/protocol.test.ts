import { expect, it } from 'vitest';
import { look } from '../model/look.ts';
import { ALL_MECHANISMS, type Harm } from '../model/protocol.ts';

it.each<Partial<Harm>>([
  { expiries: 1, crashes: 1 },
  { expiries: 1, failures: 1 },
])('keeps every rule in every state that %j can lead to, with 3 rows', (harm) => {
  const found = look(ALL_MECHANISMS, harm);
  process.stderr.write(`protocol: ${JSON.stringify({ ...harm, states: found.states })}\n`);
  expect(found).toEqual({ states: expect.any(Number) as number });
});
