import type { EventType, RoundState } from './types.ts';

/** The states of a round in the order of its life, with the numbers that clients know. */
export const ROUND_STATUS = {
  created: 1,
  betting: 2,
  sealed: 3,
  dealing: 4,
  drawn: 5,
  settled: 6,
  ended: 7,
  voided: 8,
} as const satisfies Record<RoundState, number>;

/** What each event does. Settling is not an event: only a result leads from `drawn` to `settled`. */
const STEPS = {
  1: { from: 'created', to: 'betting' },
  2: { from: 'betting', to: 'sealed' },
  3: { from: 'sealed', to: 'dealing' },
  4: { from: 'dealing', to: 'drawn' },
  5: { from: 'settled', to: 'ended' },
} as const satisfies Record<EventType, { from: RoundState; to: RoundState }>;

export type Step = (typeof STEPS)[EventType];

/**
 * What an event means to a round in `state`: the step to take, `repeated` when the round has already been where the
 * event leads, or `refused` when it is out of order.
 */
export function stepOf(state: RoundState, event: EventType): Step | 'repeated' | 'refused' {
  const step = STEPS[event];
  if (state === step.from) return step;
  if (state === 'voided') return 'refused';
  return ROUND_STATUS[state] >= ROUND_STATUS[step.to] ? 'repeated' : 'refused';
}
