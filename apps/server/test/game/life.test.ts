import { describe, expect, it } from 'vitest';
import { ROUND_STATUS, stepOf } from '../../src/game/life.ts';
import type { EventType, RoundState } from '../../src/game/index.ts';

const STATES = Object.keys(ROUND_STATUS) as RoundState[];

describe('what an event means to a round', () => {
  // By event, in the order of the states: . refused, = repeated, the new state otherwise.
  const table: Record<EventType, string> = {
    1: 'betting = = = = = = .',
    2: '. sealed = = = = = .',
    3: '. . dealing = = = = .',
    4: '. . . drawn = = = .',
    5: '. . . . . ended = .',
  };
  it.each(Object.entries(table))('event %s', (event, row) => {
    const expected = row.split(' ');
    for (const [index, state] of STATES.entries()) {
      const step = stepOf(state, Number(event) as EventType);
      const shown = step === 'refused' ? '.' : step === 'repeated' ? '=' : step.to;
      expect(`${state} ${shown}`).toBe(`${state} ${expected[index]}`);
    }
  });
});
