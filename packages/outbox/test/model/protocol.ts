import { type Transition } from './explore.ts';

/**
 * The relay's protocol of leases and acknowledgements, small enough to look at every state it can get into: one lane,
 * three rows, two relays, a broker. What the database does in one statement is one action here; between two actions
 * anything else may happen.
 *
 * Rows 1 and 3 are of one sharding key: whoever writes 3 has waited for the commit of 1. Row 2 is of another key, and
 * its transaction may commit long after its id was taken.
 */
const ROWS = [1, 2, 3] as const;
const KEY_OF = ['', 'a', 'b', 'a'] as const;
const bit = (row: number): number => 1 << (row - 1);

/** What the protocol's promises rest on. A test takes each away and has the model find what breaks. */
export interface Mechanisms {
  /** A mark carries the epoch and changes nothing when the lane has another. */
  readonly fencedMarks: boolean;
  /** The note of a batch asks whether the lane is still ours, and the lease is looked at again before the send. */
  readonly recheckBeforeSend: boolean;
  /** The holder gives its lease up a while before the database lets others have the lane. */
  readonly trustEndsFirst: boolean;
  /** A lane is taken only from nobody, or from one whose lease ran out. */
  readonly takeOnlyFree: boolean;
  /** Rows are marked after the broker has told, not before. */
  readonly markAfterSend: boolean;
  /** The position stays below ids whose transactions may still commit. */
  readonly sealedPositions: boolean;
  /** How far ids are sealed is read before the walk's snapshot is taken. */
  readonly sealReadFirst: boolean;
  /** After a failed message its key is left out of walks until its time comes. */
  readonly holdFailedKeys: boolean;
  /** The walk goes back to a failed message when its time comes. */
  readonly rewindToFailed: boolean;
  /** That also holds when its time comes while a round of the lane is under way. */
  readonly keepRewinds: boolean;
  /** The stored position of a lane that is given back lies below what is held. */
  readonly floorBelowHeld: boolean;
  /** A lane is given back only when nothing of it is under way. */
  readonly leaveWhenIdle: boolean;
  /** Behind a failed message nothing more of its key is sent in the same call. */
  readonly stopAtFailure: boolean;
}

export const ALL_MECHANISMS: Mechanisms = {
  fencedMarks: true,
  recheckBeforeSend: true,
  trustEndsFirst: true,
  takeOnlyFree: true,
  markAfterSend: true,
  sealedPositions: true,
  sealReadFirst: true,
  holdFailedKeys: true,
  rewindToFailed: true,
  keepRewinds: true,
  floorBelowHeld: true,
  leaveWhenIdle: true,
  stopAtFailure: true,
};

/** How much may go wrong in one history. */
export interface Harm {
  readonly crashes: number;
  /** Leases of living relays that run out. */
  readonly expiries: number;
  /** Messages not stored, or stored with nobody knowing. */
  readonly failures: number;
  readonly leaves: number;
}

type Outcome = 'sent' | 'retry';

interface RelayState {
  readonly alive: boolean;
  /** Of its lane; 0 when it has none. */
  readonly epoch: number;
  /** It still relies on its lease. */
  readonly trusts: boolean;
  /** The database still counts its lease. */
  readonly leased: boolean;
  readonly after: number;
  /** The first row of each key that waits after a failure. */
  readonly held: readonly number[];
  /** The walk after the round under way starts no later than here. */
  readonly rewound: number;
  readonly phase: 'idle' | 'claimed' | 'sending' | 'told';
  /** The epoch at which the batch was claimed; kept when the lane is given up. */
  readonly batchEpoch: number;
  readonly batch: readonly number[];
  readonly outcomes: readonly Outcome[];
  readonly sealedAtClaim: number;
  readonly exhausted: boolean;
}

export interface State {
  /** Ids handed out. */
  readonly taken: number;
  readonly committed: number;
  /** Rows with status 1. */
  readonly marked: number;
  /** Messages the broker has. */
  readonly stored: number;
  readonly epoch: number;
  readonly floor: number;
  /** 1 or 2; 0 for nobody. */
  readonly owner: number;
  readonly relays: readonly [RelayState, RelayState];
  /** Still on its way to the broker from a call that was given up. */
  readonly late: readonly number[];
  readonly used: Harm;
}

type Step = Transition<State> & { readonly broken?: Rule };

export type Rule =
  | 'nothing is lost'
  | 'no inversion within a key'
  | 'a double only after a crash, a lost lease or an unknown outcome'
  | 'one sender at a time relies on the lane'
  | 'an old epoch changes nothing'
  | 'nothing is begun without the lane'
  | 'only what the broker has is marked';

const NO_RELAY: RelayState = {
  alive: true,
  epoch: 0,
  trusts: false,
  leased: false,
  after: 0,
  held: [],
  rewound: ROWS.length,
  phase: 'idle',
  batchEpoch: 0,
  batch: [],
  outcomes: [],
  sealedAtClaim: 0,
  exhausted: false,
};

export const FIRST: State = {
  taken: 0,
  committed: 0,
  marked: 0,
  stored: 0,
  epoch: 0,
  floor: 0,
  owner: 0,
  relays: [NO_RELAY, NO_RELAY],
  late: [],
  used: { crashes: 0, expiries: 0, failures: 0, leaves: 0 },
};

/** The same for states that differ in the names of the relays or in how large the epochs are. */
export function nameOf(state: State): string {
  const { taken, committed, marked, stored, floor, late, used, owner, epoch, relays } = state;
  const [first, second] = relays.map((relay, index) => {
    const { alive, trusts, leased, after, held, rewound, phase, batch, outcomes, sealedAtClaim, exhausted } =
      relay;
    const flags = [
      relay.batchEpoch === epoch,
      alive,
      trusts,
      leased,
      exhausted,
      owner === index + 1,
      relay.epoch === epoch,
      relay.epoch === 0,
    ];
    return `${flags.map(Number).join('')}${after}${rewound}${sealedAtClaim}${phase}${batch.join('')} ${outcomes.join('')} ${held.join('')}`;
  }) as [string, string];
  const { crashes, expiries, failures, leaves } = used;
  const own = first < second ? `${first}|${second}` : `${second}|${first}`;
  return `${taken}${committed}${marked}${stored}${floor}${crashes}${expiries}${failures}${leaves}${late.join('')}|${own}`;
}

/** Everything is sent and marked, and nothing is on its way. */
export function isDone({ marked, stored, late }: State, rows: number): boolean {
  const all = (1 << rows) - 1;
  return marked === all && stored === all && late.length === 0;
}

/** All that can happen next, with so many `rows` and so much harm at most. */
export function* steps(state: State, has: Mechanisms, harm: Harm, rows: number): Generator<Step> {
  yield* writerSteps(state, rows);
  const [landing, ...rest] = state.late;
  if (landing !== undefined) yield store(state, { late: rest }, landing, 'a late message lands');
  for (const index of [0, 1] as const) yield* relaySteps(state, index, has, harm);
}

function* writerSteps(state: State, rows: number): Generator<Step> {
  const { taken, committed } = state;
  const row = taken + 1;
  // Row 3 waits for the lock that 1 holds to its commit.
  if (row <= rows && (row !== 3 || (committed & bit(1)) !== 0)) {
    yield { action: `id ${row} taken`, harm: false, next: { ...state, taken: row } };
  }
  for (const open of ROWS) {
    if (open <= taken && (committed & bit(open)) === 0) {
      yield {
        action: `row ${open} committed`,
        harm: false,
        next: { ...state, committed: committed | bit(open) },
      };
    }
  }
}

function* relaySteps(state: State, index: 0 | 1, has: Mechanisms, harm: Harm): Generator<Step> {
  const relay = state.relays[index];
  const { used } = state;
  const name = index + 1;
  const step = (
    action: string,
    change: Partial<RelayState>,
    more: Partial<State> = {},
    harm = false,
  ): Step => ({
    action: `relay ${name}: ${action}`,
    harm,
    next: { ...state, ...more, relays: withRelay(state, index, change) },
  });
  const spend = (what: keyof Harm): Partial<State> => ({ used: { ...used, [what]: used[what] + 1 } });
  const mine = relay.epoch !== 0;

  if (!relay.alive) {
    if (relay.leased) yield step('its lease runs out', { leased: false });
    else yield step('starts anew', { ...NO_RELAY });
    return;
  }
  if (used.crashes < harm.crashes) {
    const unsent = relay.phase === 'sending' ? unsentOf(relay, has) : [];
    const dead: RelayState = { ...NO_RELAY, alive: false, leased: relay.leased };
    yield step('dies', dead, spend('crashes'), true);
    if (unsent.length > 0 && state.late.length === 0) {
      yield step('dies, its messages are on their way', dead, { ...spend('crashes'), late: unsent }, true);
    }
  }

  if (!mine) {
    const { owner } = state;
    const holder = owner === 0 ? undefined : state.relays[owner === 1 ? 0 : 1];
    if (relay.phase === 'idle' && owner !== name && (holder?.leased !== true || !has.takeOnlyFree)) {
      const epoch = state.epoch + 1;
      const fresh = { epoch, trusts: true, leased: true, after: state.floor, held: [], rewound: ROWS.length };
      yield checkSenders(step('takes the lane', fresh, { epoch, owner: name }));
    }
    // Its own name stands in the table, but it has given the lane up: back to the table first.
    if (owner === name) yield step('gives back what it gave up', {}, { owner: 0, epoch: state.epoch + 1 });
  } else {
    if (state.epoch !== relay.epoch) {
      // Seen with the next renewal.
      yield step('sees that the lane is gone', { epoch: 0, trusts: false, leased: false });
    } else if (relay.leased && !relay.trusts) {
      yield step('renews late', { trusts: true });
    }
    if (relay.trusts && has.trustEndsFirst && used.expiries < harm.expiries) {
      yield step('cannot renew: its trust ends', { trusts: false }, spend('expiries'), true);
    }
    if (relay.leased && !has.trustEndsFirst && used.expiries < harm.expiries) {
      yield step('its lease runs out', { leased: false }, spend('expiries'), true);
    }
    if (relay.leased && !relay.trusts) yield step('its lease runs out', { leased: false }, {}, true);
    // What is under way goes on, but the lane is given up.
    if (!relay.trusts && !relay.leased) yield step('drops the lane', { epoch: 0 });
    const idle = relay.phase === 'idle' || !has.leaveWhenIdle;
    if (idle && relay.trusts && state.epoch === relay.epoch && used.leaves < harm.leaves) {
      const floor = Math.min(relay.after, ...(has.floorBelowHeld ? relay.held.map((row) => row - 1) : []));
      const gone = { epoch: 0, trusts: false, leased: false };
      yield step(
        'leaves',
        gone,
        { ...spend('leaves'), owner: 0, epoch: state.epoch + 1, floor: Math.max(state.floor, floor) },
        true,
      );
    }
  }

  for (const row of relay.held) {
    const to = has.rewindToFailed ? row - 1 : ROWS.length;
    yield step(`the key of ${row} is due`, {
      held: relay.held.filter((other) => other !== row),
      after: Math.min(relay.after, to),
      ...(relay.phase !== 'idle' && has.keepRewinds && { rewound: Math.min(relay.rewound, to) }),
    });
  }

  switch (relay.phase) {
    case 'idle': {
      if (!mine || !relay.trusts) return;
      const found = ROWS.filter(
        (row) =>
          (state.committed & ~state.marked & bit(row)) !== 0 &&
          row > relay.after &&
          !(has.holdFailedKeys && relay.held.some((other) => KEY_OF[other] === KEY_OF[row])),
      );
      for (const most of [1, 2]) {
        const batch = found.slice(0, most);
        const walk = { batch, sealedAtClaim: sealed(state), exhausted: found.length < most };
        if (batch.length === 0) yield step('finds nothing', settled(state, { ...relay, ...walk }, has));
        else
          yield step(`claims ${batch.join()}`, {
            phase: 'claimed',
            batchEpoch: relay.epoch,
            outcomes: [],
            ...walk,
          });
      }
      return;
    }
    case 'claimed': {
      const lost = state.epoch !== relay.batchEpoch || !relay.trusts;
      if (lost && has.recheckBeforeSend) {
        yield step('lets go of the batch', { phase: 'idle', batchEpoch: 0, batch: [] });
        return;
      }
      const marked = has.markAfterSend ? state.marked : state.marked | mask(relay.batch);
      const begun = step('hands the batch over', { phase: 'sending' }, { marked });
      yield lost ? { ...begun, broken: 'nothing is begun without the lane' } : checkMarks(begun);
      return;
    }
    case 'sending': {
      const at = relay.outcomes.length;
      const row = relay.batch[at];
      if (row === undefined) {
        yield step('is told', { phase: 'told' });
        return;
      }
      const tell = (outcome: Outcome): Partial<RelayState> => ({ outcomes: [...relay.outcomes, outcome] });
      if (!unsentOf(relay, has).includes(row)) {
        yield step(`does not send ${row}`, tell('retry'));
        return;
      }
      const told = { relays: withRelay(state, index, tell('sent')) };
      yield store(state, told, row, `relay ${name}: the broker stores ${row}`);
      if (used.failures < harm.failures) {
        yield step(`${row} is not stored`, tell('retry'), spend('failures'), true);
        const unknown = { ...spend('failures'), relays: withRelay(state, index, tell('retry')) };
        yield { ...store(state, unknown, row, `relay ${name}: ${row} is stored, nobody knows`), harm: true };
        if (state.late.length === 0) {
          const rest = unsentOf(relay, has);
          const outcomes = relay.batch.map((_, i) => relay.outcomes[i] ?? 'retry');
          yield step(
            'gives up waiting for the broker',
            { outcomes },
            { ...spend('failures'), late: rest },
            true,
          );
        }
      }
      return;
    }
    case 'told': {
      const sent = relay.batch.filter((_, i) => relay.outcomes[i] === 'sent');
      const current = state.epoch === relay.batchEpoch;
      const marked = current || !has.fencedMarks ? state.marked | mask(sent) : state.marked;
      const end = step('marks', settled(state, relay, has), { marked });
      yield !current && marked !== state.marked ? { ...end, broken: 'an old epoch changes nothing' } : end;
      return;
    }
  }
}

/** What the publisher still sends of the batch in its hands. */
function unsentOf({ batch, outcomes }: RelayState, has: Mechanisms): number[] {
  const failed = batch.filter((_, i) => outcomes[i] === 'retry').map((row) => KEY_OF[row]);
  return batch.filter(
    (row, i) => i >= outcomes.length && !(has.stopAtFailure && failed.includes(KEY_OF[row])),
  );
}

/** The end of a round: the position moves to where the walk got, held back by what is not sealed and what failed. */
function settled(state: State, walk: RelayState, has: Mechanisms): Partial<RelayState> {
  const failed = walk.batch.filter(
    (row, i) =>
      walk.outcomes[i] === 'retry' &&
      !walk.batch.some(
        (before, j) => j < i && walk.outcomes[j] === 'retry' && KEY_OF[before] === KEY_OF[row],
      ),
  );
  const last = walk.batch.at(-1) ?? 0;
  const bound = has.sealReadFirst ? walk.sealedAtClaim : sealed(state);
  const reached = has.sealedPositions ? (walk.exhausted ? bound : Math.min(bound, last)) : last;
  return {
    phase: 'idle',
    batchEpoch: 0,
    batch: [],
    outcomes: [],
    sealedAtClaim: 0,
    exhausted: false,
    after: Math.min(Math.max(walk.after, reached), walk.rewound),
    rewound: ROWS.length,
    held: [...walk.held, ...failed].sort(),
  };
}

/** Up to here every id was handed out, and its transaction has ended: the most that a relay can know of it. */
function sealed({ taken, committed }: State): number {
  for (let id = 1; id <= taken; id++) if ((committed & bit(id)) === 0) return id - 1;
  return taken;
}

function store(state: State, change: Partial<State>, row: number, action: string): Step {
  const next = { ...state, ...change, stored: state.stored | bit(row) };
  const step = { action, harm: false, next };
  const { crashes, expiries, failures } = next.used;
  if ((state.stored & bit(row)) !== 0 && crashes + expiries + failures === 0) {
    return { ...step, broken: 'a double only after a crash, a lost lease or an unknown outcome' };
  }
  if (row === 3 && (state.stored & bit(1)) === 0) return { ...step, broken: 'no inversion within a key' };
  return step;
}

function checkMarks(step: Step): Step {
  const { marked, stored } = step.next;
  return (marked & ~stored) === 0 ? step : { ...step, broken: 'only what the broker has is marked' };
}

function checkSenders(step: Step): Step {
  const rely = step.next.relays.filter((relay) => relay.alive && relay.epoch !== 0 && relay.trusts);
  return rely.length < 2 ? step : { ...step, broken: 'one sender at a time relies on the lane' };
}

function withRelay(state: State, index: 0 | 1, change: Partial<RelayState>): [RelayState, RelayState] {
  const [first, second] = state.relays;
  return index === 0 ? [{ ...first, ...change }, second] : [first, { ...second, ...change }];
}

function mask(rows: readonly number[]): number {
  return rows.reduce((sum, row) => sum | bit(row), 0);
}
