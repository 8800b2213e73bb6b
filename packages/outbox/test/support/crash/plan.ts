import { type Fate, Random, type SendFault } from '@dt/testkit';
import { type FailPoint, failPoints, type Role, type StepOf, STEPS } from './steps.ts';

export interface PlannedMessage {
  readonly messageKey: string;
  readonly shardingKey: string;
  readonly amount: number;
  /** The broker refuses it. */
  readonly rejected: boolean;
  /** So many attempts of its handler fail. */
  readonly handlerFailures: number;
}

export interface PlannedTransaction {
  readonly pauseMs: number;
  readonly messages: readonly PlannedMessage[];
  /** Stays open so long after the insert. */
  readonly holdMs: number;
  readonly rollback: boolean;
  readonly fate: Fate<StepOf<'writer'>>;
}

/** One life of a process in its place; the next one follows. */
export interface PlannedLife<R extends Role> {
  readonly startAfterMs: number;
  readonly fate: Fate<StepOf<R>>;
  /** How it ends when its fate does not come first; the last life of a place stays. */
  readonly end: PlannedEnd | undefined;
}

export interface PlannedEnd {
  readonly afterMs: number;
  /** Then it stays while there is work: on a slow machine, too, it comes to what its life is about. */
  readonly patient: boolean;
  readonly how: 'kill' | 'leave';
}

/** All that is drawn by lot about a history. What the machine makes of it, its scheduling, is not in the plan. */
export interface Plan {
  readonly seed: number;
  readonly queues: number;
  /** Relays hear of each other's kicks; a connection more for each, which is what costs most here. */
  readonly listens: boolean;
  readonly writers: readonly (readonly PlannedTransaction[])[];
  readonly relays: readonly (readonly PlannedLife<'relay'>[])[];
  readonly consumers: readonly (readonly PlannedLife<'consumer'>[])[];
  readonly relayBatch: number;
  readonly relayConcurrency: number;
  readonly consumerBatch: number;
  readonly setBased: boolean;
  /** What becomes of the calls of the broker, one after the other; nothing more behind the last. */
  readonly sendFaults: readonly SendFault[];
  readonly slowestSendMs: number;
  readonly duplicateChance: number;
  readonly resets: readonly { readonly afterMs: number; readonly queue: number; readonly back: number }[];
}

export const SHARDING_KEYS = 6;
export const LEASE_MS = 600;
export const INBOX_ATTEMPTS = 4;

export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const queues = random.between(1, 3);
  const isCalm = random.chance(0.1);
  // What the history is about comes up in turn over the seeds, and so does what has to happen for it.
  const relayTheme = isCalm ? undefined : inTurn(failPoints('relay'), seed);
  const consumerTheme = isCalm ? undefined : inTurn(failPoints('consumer'), seed);
  const handlersFail = consumerTheme !== undefined && /^(inbox\.result|retry)/.test(consumerTheme.step);
  return {
    seed,
    queues,
    writers: drawList(random, 1, 3, (writer) =>
      drawWriter(random.fork(`writer ${writer}`), writer, isCalm, handlersFail),
    ),
    // One that meets an outage alone has the whole of it.
    relays: drawList(random, 1, relayTheme?.step === 'mark.landed' ? 1 : 3, (place) =>
      drawLives('relay', random.fork(`relay ${place}`), place === 0 ? relayTheme : undefined, isCalm),
    ),
    consumers: drawList(random, 1, 2, (place) =>
      drawLives(
        'consumer',
        random.fork(`consumer ${place}`),
        place === 0 ? consumerTheme : undefined,
        isCalm,
      ),
    ),
    relayBatch: relayTheme?.step === 'mark.landed' ? 20 : random.between(1, 20),
    relayConcurrency: random.between(1, 3),
    consumerBatch: random.between(1, 12),
    setBased: random.chance(0.5),
    sendFaults: isCalm ? [] : [...faultsFor(relayTheme), ...drawFaults(random)],
    slowestSendMs: random.chance(0.5) ? 0 : random.between(1, 25),
    listens: random.chance(0.15),
    duplicateChance: random.pick([0, 0.1, 0.4]),
    resets: random.chance(0.3)
      ? drawList(random, 1, 2, () => ({
          afterMs: random.between(10, 150),
          queue: random.below(queues),
          back: random.between(1, 30),
        }))
      : [],
  };
}

function inTurn<T>(list: readonly T[], turn: number): T {
  return list[turn % list.length] as T;
}

/** What the broker has to do so that a relay comes to the step. */
function faultsFor(theme: FailPoint<'relay'> | undefined): SendFault[] {
  if (theme?.step === 'mark.failed') return ['partial', 'partial', 'partial'];
  if (theme?.step === 'mark.landed') return ['throw', 'throw', 'throw', 'throw'];
  return [];
}

function drawFaults(random: Random): SendFault[] {
  if (random.chance(0.3)) return [];
  return drawList(random, 1, 8, () =>
    random.pick<SendFault>(['none', 'none', 'throw', 'partial', 'unknown', 'late']),
  );
}

function drawList<T>(random: Random, least: number, most: number, draw: (index: number) => T): T[] {
  return Array.from({ length: random.between(least, most) }, (_, index) => draw(index));
}

function drawWriter(
  random: Random,
  writer: number,
  isCalm: boolean,
  handlersFail: boolean,
): PlannedTransaction[] {
  const keys = random.between(1, SHARDING_KEYS);
  return drawList(random, 2, 4, (index) => ({
    pauseMs: random.between(0, 20),
    holdMs: random.chance(0.2) ? random.between(20, 150) : random.between(0, 5),
    rollback: random.chance(0.12),
    fate: random.chance(isCalm ? 0 : 0.2) ? { death: { ...random.pick(failPoints('writer')), hit: 1 } } : {},
    messages: drawList(random, 1, 6, (place) => ({
      messageKey: `${writer}.${index}.${place}`,
      shardingKey: `key-${random.below(keys)}`,
      amount: random.between(-500, 500),
      rejected: random.chance(0.02),
      handlerFailures: random.chance(handlersFail ? 0.3 : 0.04)
        ? random.pick([1, 1, 2, 3, INBOX_ATTEMPTS])
        : 0,
    })),
  }));
}

/** With a `theme`, the first life is about it. */
function drawLives<R extends Role>(
  role: R,
  random: Random,
  theme: FailPoint<R> | undefined,
  isCalm: boolean,
): PlannedLife<R>[] {
  const points = failPoints(role);
  const steps: readonly StepOf<R>[] = STEPS[role];
  const lives = theme === undefined ? random.pick([1, 2, 2]) : random.pick([2, 2, 2, 3]);
  return Array.from({ length: lives }, (_, index) => {
    const about = index === 0 ? theme : undefined;
    const point = about ?? random.pick(points);
    const dies = !isCalm && index < lives - 1 && (about !== undefined || random.chance(0.8));
    const stalls = !isCalm && about === undefined && random.chance(0.1);
    return {
      startAfterMs: random.between(0, 30),
      fate: {
        ...(dies && {
          death: { ...point, hit: about === undefined ? random.pick([1, 1, 2, 3]) : 1 },
        }),
        ...(stalls && {
          stall: {
            step: random.pick(steps),
            hit: random.between(1, 4),
            // Every other one longer than the lease.
            pauseMs: random.chance(0.5) ? random.between(20, 100) : random.between(LEASE_MS, LEASE_MS * 1.5),
          },
        }),
      },
      end:
        index === lives - 1
          ? undefined
          : {
              // What is about leases comes when others come, or when it leaves.
              afterMs: about === undefined ? random.between(20, 120) : random.between(120, 200),
              patient: about !== undefined && !about.step.startsWith('lease.'),
              how:
                isCalm || about !== undefined || random.chance(0.5) ? ('leave' as const) : ('kill' as const),
            },
    };
  });
}
