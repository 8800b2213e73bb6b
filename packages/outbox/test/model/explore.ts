export interface Transition<State> {
  readonly action: string;
  /** Something that need not happen. */
  readonly harm: boolean;
  readonly next: State;
  /** The rule that this step breaks. */
  readonly broken?: string;
}

export interface Machine<State> {
  readonly first: State;
  readonly steps: (state: State) => Iterable<Transition<State>>;
  /** All is well, and stays so. */
  readonly isGoal: (state: State) => boolean;
  /** States of one name are the same. */
  readonly nameOf: (state: State) => string;
}

export interface Exploration {
  readonly states: number;
  /** A step that breaks a rule, with a shortest way there. */
  readonly broken?: { readonly rule: string; readonly trace: readonly string[] };
  /** The way to a state from which no steps without harm lead to a goal. */
  readonly stuck?: readonly string[];
}

/**
 * Looks at every state that can be reached from the first, nearest ones first, until a step breaks a rule. When none
 * does, it asks of each state whether a goal can still be reached without more harm.
 */
export function explore<State>({ first, steps, isGoal, nameOf }: Machine<State>): Exploration {
  const states: State[] = [first];
  const known = new Map([[nameOf(first), 0]]);
  const cameFrom = [-1];
  const cameBy = [''];
  const harmlessInto: number[][] = [[]];
  const traceTo = (index: number): string[] => {
    const trace: string[] = [];
    for (let at = index; at > 0; at = cameFrom[at] as number) trace.push(cameBy[at] as string);
    return trace.reverse();
  };
  const open: number[] = [];
  for (let index = 0; index < states.length; index++) {
    const state = states[index] as State;
    if (isGoal(state)) open.push(index);
    for (const { action, harm, next, broken } of steps(state)) {
      if (broken !== undefined) {
        return { states: states.length, broken: { rule: broken, trace: [...traceTo(index), action] } };
      }
      const name = nameOf(next);
      let target = known.get(name);
      if (target === undefined) {
        target = states.length;
        known.set(name, target);
        states.push(next);
        cameFrom.push(index);
        cameBy.push(action);
        harmlessInto.push([]);
      }
      if (!harm) harmlessInto[target]?.push(index);
    }
  }
  const reaches = new Uint8Array(states.length);
  for (const goal of open) reaches[goal] = 1;
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    for (const from of harmlessInto[index] ?? []) {
      if (reaches[from] === 1) continue;
      reaches[from] = 1;
      open.push(from);
    }
  }
  const stuck = reaches.indexOf(0);
  return { states: states.length, ...(stuck >= 0 && { stuck: traceTo(stuck) }) };
}
