import { setTimeout as pause } from 'node:timers/promises';
import { eventually, type Incarnation, QueueLog, Random, type SendFault } from '@dt/testkit';
import { type Relay } from '../../../src/index.ts';
import { tablesOf } from '../../../src/schema/tables.ts';
import { runConsumers, type RunningConsumer } from './consumer-place.ts';
import { FenceWatch } from './fence-watch.ts';
import { type Plan, type PlannedEnd } from './plan.ts';
import { runRelays } from './relay-place.ts';
import { checkLanes, checkLeftNothing, checkRows, isQuiet, whatWaits } from './rules.ts';
import { type Role } from './steps.ts';
import { type World } from './world.ts';
import { write } from './writer.ts';

export interface HistoryReport {
  readonly messages: number;
  /** Messages that the broker got more than once. */
  readonly doubles: number;
  /** Fail points at which a process died, as `relay send after`. */
  readonly deaths: readonly string[];
}

/** One run of a plan: the state that its processes share outside of the database. */
export class History {
  readonly plan: Plan;
  readonly world: World;
  readonly log: QueueLog;
  readonly fence: FenceWatch;
  readonly relays = new Set<Relay>();
  readonly consumers = new Set<RunningConsumer>();
  /** The ends of what died or left. */
  readonly buried: Promise<void>[] = [];
  /** Messages on their way to the broker after their sender was told that nobody knows. */
  readonly late: Promise<void>[] = [];
  readonly #deaths: string[] = [];
  readonly #notes = new Set<string>();
  readonly #quietTimeoutMs: number;
  readonly #rejected: ReadonlySet<string>;
  #sends = 0;
  #written: Promise<unknown> = Promise.resolve();

  constructor(plan: Plan, world: World, quietTimeoutMs: number) {
    this.plan = plan;
    this.world = world;
    this.#quietTimeoutMs = quietTimeoutMs;
    this.log = new QueueLog(plan.queues);
    this.fence = new FenceWatch(tablesOf(world.schema));
    const messages = plan.writers.flat().flatMap((transaction) => transaction.messages);
    this.#rejected = new Set(
      messages.filter((message) => message.rejected).map((message) => message.messageKey),
    );
  }

  /** @throws an error that names the rule that was broken. */
  async run(): Promise<HistoryReport> {
    const { plan, world, log } = this;
    await world.reset();
    const random = new Random(plan.seed);
    try {
      this.#written = Promise.all(plan.writers.map((transactions) => write(this, transactions)));
      await Promise.all([
        this.#written,
        ...plan.relays.map((lives, place) => runRelays(this, lives, place, random.fork(`relay ${place}`))),
        ...plan.consumers.map((lives, place) =>
          runConsumers(this, lives, place, random.fork(`consumer ${place}`)),
        ),
        ...plan.resets.map(async ({ afterMs, queue, back }) => {
          await pause(afterMs);
          log.reset(queue, Math.max(0, log.committed(queue) - back));
        }),
      ]);
      this.kickRelays();
      await this.#quiet();
      await checkLanes(this);
    } finally {
      await Promise.all([...this.relays, ...this.consumers].map((running) => running.close()));
      await Promise.all([...this.buried, ...this.late]);
      await world.settled();
    }
    await checkLeftNothing(this);
    return { ...(await checkRows(this)), deaths: this.#deaths };
  }

  /** Resolves when the time of a life has come, or its death. */
  async live(incarnation: Incarnation, { afterMs, patient }: PlannedEnd): Promise<void> {
    await Promise.race([incarnation.died, pause(afterMs)]);
    if (patient) await this.#quiet(incarnation);
  }

  /** Resolves when everything that was written has come through, or with a death. */
  async #quiet(incarnation?: Incarnation): Promise<void> {
    await this.#written;
    // A commit of a writer that died may still be under way.
    await this.world.settled();
    try {
      await eventually(() => incarnation?.dead === true || isQuiet(this), {
        timeoutMs: this.#quietTimeoutMs,
        intervalMs: 40,
      });
    } catch (error) {
      const waiting = await whatWaits(this);
      throw new Error(`nothing lost, no row that nobody picks up: ${waiting}`, { cause: error });
    }
  }

  kickRelays(): void {
    for (const relay of this.relays) relay.kick();
  }

  nextSendFault(): SendFault {
    return this.plan.sendFaults[this.#sends++] ?? 'none';
  }

  isRejected(messageKey: string): boolean {
    return this.#rejected.has(messageKey);
  }

  note(what: string): void {
    this.#notes.add(what);
  }

  noteDeath(role: Role, { fellAt }: Incarnation): void {
    if (fellAt !== undefined) this.#deaths.push(`${role} ${fellAt.step} ${fellAt.moment}`);
  }

  /** Whether something happened after which a message may be sent a second time. */
  get mayDouble(): boolean {
    const { relays, sendFaults } = this.plan;
    return (
      this.#notes.size > 0 ||
      sendFaults.some((fault) => fault === 'unknown' || fault === 'late') ||
      relays.flat().some(({ fate }) => fate.stall !== undefined)
    );
  }

  /** Whether a relay died, or did not renew its lease in time. */
  get leaseLost(): boolean {
    return this.#notes.has('a relay died') || this.#notes.has('trouble with lease');
  }
}
