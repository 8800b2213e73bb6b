import { explore, type Exploration } from './explore.ts';
import { FIRST, type Harm, isDone, type Mechanisms, nameOf, steps } from './protocol.ts';

const NO_HARM: Harm = { crashes: 0, expiries: 0, failures: 0, leaves: 0 };

/** Looks at every state that the protocol with these mechanisms can get into, with so much harm and so many rows at most. */
export function look(mechanisms: Mechanisms, harm: Partial<Harm>, rows = 3): Exploration {
  return explore({
    first: FIRST,
    steps: (state) => steps(state, mechanisms, { ...NO_HARM, ...harm }, rows),
    isGoal: (state) => isDone(state, rows),
    nameOf,
  });
}
