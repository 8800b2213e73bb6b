import { randomUUID } from 'node:crypto';
import { pause, settlesWithin, withDeadline } from '../deadline.ts';
import { channels, tell } from '../diagnostics.ts';
import { OutboxError } from '../errors.ts';
import { Listener, Notifier } from '../wakeups/index.ts';
import { backoffMs, type BackoffOptions } from '../backoff.ts';
import { Breaker } from './breaker.ts';
import { LaneSet } from './lane-set.ts';
import { type Lane } from './lane.ts';
import { Leases } from './leases.ts';
import { checkRelayOptions, type RelayOptions } from './options.ts';
import { type RelayActivity, Rounds } from './round.ts';
import { Sealer } from './sealer.ts';
import { newCounters, type RelayStats } from './stats.ts';

const SEAL_MS = 200;
const CLAIM_PAUSE: BackoffOptions = { initialMs: 100, maxMs: 3000 };

/**
 * Sends what lies in the outbox, in order per sharding key. Any number of relays may run on one database; they share
 * the lanes. Needs up to `concurrency + 3` connections of the database, one of them to listen for other processes' commits
 * where the database offers `listen`.
 */
export class Relay {
  readonly #pollMs: number;
  readonly #tickMs: number;
  readonly #fullScanMs: number;
  readonly #closeTimeoutMs: number;
  readonly #queryTimeoutMs: number;
  readonly #concurrency: number;
  readonly #onError: (error: unknown, during: RelayActivity) => void;
  readonly #counters = newCounters();
  readonly #lanes = new LaneSet();
  readonly #leases: Leases;
  readonly #sealer: Sealer;
  readonly #breaker: Breaker;
  readonly #rounds: Rounds;
  readonly #listener: Listener | undefined;
  readonly #notifier: Notifier;
  #state: 'new' | 'running' | 'closing' | 'closed' = 'new';
  #abort = new AbortController();
  readonly #active = new Set<Promise<void>>();
  #pumpTimer: NodeJS.Timeout | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;
  #stopBeats: (() => Promise<void>)[] = [];
  #claimFailures = 0;
  #sealedClaims = 0;
  #sealedAll = false;
  #lastFullScanMs = 0;
  #scanTurn = 0;
  #closing: Promise<void> | undefined;

  constructor(options: RelayOptions) {
    const checked = checkRelayOptions(options);
    const { database, tables, instanceId, leaseMs, holdsKeys, onBatch, onError } = checked;
    this.#pollMs = checked.pollMs;
    this.#tickMs = leaseMs / 6;
    this.#fullScanMs = checked.fullScanMs;
    this.#closeTimeoutMs = checked.closeTimeoutMs;
    this.#queryTimeoutMs = checked.queryTimeoutMs;
    this.#concurrency = checked.concurrency;
    this.#onError = (error, during): void => {
      this.#counters.errors += 1;
      tell(channels.outboxError, () => ({ instanceId, during, error }));
      try {
        onError(error, during);
      } catch {
        // A hook that fails must not stop the relay; there is nobody left to tell.
      }
    };
    const sessionId = `${instanceId}/${randomUUID()}`;
    this.#leases = new Leases({
      database,
      tables,
      sessionId,
      instanceId,
      leaseMs,
      maxCrashes: checked.maxCrashes,
      holdsKeys,
      lanes: this.#lanes,
      sentCount: () => this.#counters.sent,
    });
    this.#sealer = new Sealer(database, tables);
    this.#breaker = new Breaker(checked.batchSize, checked.outage);
    this.#rounds = new Rounds({
      ...checked,
      sessionId,
      leases: this.#leases,
      sealer: this.#sealer,
      breaker: this.#breaker,
      counters: this.#counters,
      onRecovery: () => {
        for (const lane of this.#lanes) lane.pardon(performance.now());
      },
      onBatch: (batch) => {
        tell(channels.outboxBatch, () => ({ ...batch, instanceId }));
        onBatch(batch);
      },
      onError: this.#onError,
    });
    const wakeups = {
      schema: tables.schema,
      onError: (error: unknown): void => {
        this.#onError(error, 'wake');
      },
    };
    this.#notifier = new Notifier({ ...wakeups, database, sender: sessionId });
    const listen = database.listen?.bind(database);
    if (listen !== undefined) {
      const onWake = (): void => {
        this.#look();
      };
      this.#listener = new Listener({ ...wakeups, listen, self: sessionId, onWake });
    }
  }

  /**
   * Joins the running relays and begins to send. Does not wait for lanes: others may hold them all for a moment.
   * @throws OutboxError `schema-missing` or `lane-count` when the tables are not those of this version, else what the
   * database threw; `start()` may be called again then.
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new OutboxError('closed', `Relay: start() while ${this.#state}`);
    this.#state = 'running';
    try {
      await this.#tick();
      await withDeadline(this.#sealer.advance(), this.#queryTimeoutMs, 'seal');
    } catch (error) {
      if (this.#state === 'running') this.#state = 'new';
      throw asSchemaMissing(error);
    }
    if (this.#isClosing()) return;
    this.#lastFullScanMs = performance.now();
    this.#beat(this.#tickMs, 'lease', () => this.#tick());
    this.#beat(SEAL_MS, 'seal', () => this.#seal());
    this.#listener?.start();
    this.#pump();
  }

  /**
   * Says that a local transaction has committed messages: they are looked for at once, and other running relays are
   * told. Cheap, may be called often.
   */
  kick(): void {
    if (this.#state !== 'running') return;
    this.#look();
    if (this.#leases.liveCount > 1) this.#notifier.committed();
  }

  stats(): RelayStats {
    let heldKeys = 0;
    for (const lane of this.#lanes) heldKeys += lane.heldCount;
    return {
      ...this.#counters,
      running: this.#state === 'running',
      lanes: this.#lanes.size,
      relays: this.#leases.liveCount,
      heldKeys,
      rounds: this.#active.size,
      outage: this.#breaker.open,
    };
  }

  /**
   * Takes no more rows, lets batches under way end, gives the lanes back. What has not ended in `closeTimeoutMs` is
   * aborted; lanes whose publisher does not even then return are taken over when the lease runs out.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const started = this.#state !== 'new';
    this.#state = 'closing';
    clearTimeout(this.#pumpTimer);
    this.#leases.takeNoMore();
    await Promise.all([this.#listener?.close(), this.#notifier.close()]);
    if (!(await settlesWithin(Promise.all(this.#active), this.#closeTimeoutMs))) {
      this.#abort.abort(new OutboxError('closed', 'the relay is closing'));
      await settlesWithin(Promise.all(this.#active), 1000);
    }
    // A renewal under way could take lanes after they were given back.
    await Promise.all(this.#stopBeats.map((stop) => stop()));
    if (started) {
      try {
        await withDeadline(this.#leases.leave(), Math.min(this.#queryTimeoutMs, 5000), 'leave');
      } catch (error) {
        this.#onError(error, 'lease');
      }
    }
    clearTimeout(this.#expiryTimer);
    this.#abort.abort(new OutboxError('closed', 'the relay is closed'));
    this.#state = 'closed';
  }

  #look(): void {
    if (this.#state !== 'running') return;
    this.#lanes.kick();
    this.#pump();
  }

  #isClosing(): boolean {
    return this.#state === 'closing' || this.#state === 'closed';
  }

  /** Starts as many rounds as lanes and limits allow, and sets the alarm for the next. */
  #pump(): void {
    if (this.#state !== 'running') return;
    clearTimeout(this.#pumpTimer);
    const nowMs = performance.now();
    if (nowMs >= this.#leases.validUntilMs) return;
    while (
      nowMs >= this.#breaker.untilMs &&
      this.#active.size < (this.#breaker.open ? 1 : this.#concurrency)
    ) {
      const lanes = this.#lanes.take(nowMs, this.#pollMs / 4, this.#concurrency, this.#breaker.batch);
      if (lanes.length === 0) break;
      const round = this.#round(lanes);
      this.#active.add(round);
      void round.then(() => {
        this.#active.delete(round);
        this.#pump();
      });
    }
    // A full house wakes us when a round ends.
    if (this.#active.size >= (this.#breaker.open ? 1 : this.#concurrency)) return;
    const dueMs = Math.max(this.#lanes.nextDueMs(), this.#breaker.untilMs);
    if (dueMs === Infinity) return;
    this.#pumpTimer = setTimeout(
      () => {
        this.#pump();
      },
      Math.max(0, Math.ceil(dueMs - nowMs)),
    );
  }

  async #round(lanes: readonly Lane[]): Promise<void> {
    try {
      await this.#rounds.run(lanes, this.#abort.signal);
      this.#claimFailures = 0;
    } catch (error) {
      this.#claimFailures += 1;
      const dueMs = performance.now() + backoffMs(CLAIM_PAUSE, this.#claimFailures);
      for (const lane of lanes) lane.dueAtMs = dueMs;
      this.#onError(error, 'claim');
    } finally {
      this.#lanes.giveBack(lanes);
    }
  }

  async #tick(): Promise<void> {
    await withDeadline(this.#leases.tick(), this.#queryTimeoutMs, 'lease');
    this.#watchLease();
    this.#rescanSome();
    // Also without new lanes: a round that ended after the lease and before its late renewal has set no alarm.
    this.#pump();
  }

  #watchLease(): void {
    clearTimeout(this.#expiryTimer);
    this.#expiryTimer = setTimeout(() => {
      this.#expire();
    }, this.#leases.validUntilMs - performance.now());
  }

  /** The lease ran out without a renewal: somebody else may own the lanes from now on. */
  #expire(): void {
    if (this.#state === 'closed') return;
    // Renewed by a beat that is not through yet, or failed after the renewal.
    if (performance.now() < this.#leases.validUntilMs) {
      this.#watchLease();
      return;
    }
    const error = new OutboxError('lane-lost', 'the lease could not be renewed in time', { retryable: true });
    this.#onError(error, 'lease');
    this.#abort.abort(error);
    this.#abort = new AbortController();
    for (const lane of [...this.#lanes]) this.#lanes.drop(lane);
  }

  /**
   * The walks from the start are spread over the interval, a few lanes a tick. A lane with a backlog is left out until
   * that is done: the walk would wade through all that it has sent since the last vacuum.
   */
  #rescanSome(): void {
    const nowMs = performance.now();
    const share = Math.floor((64 * (nowMs - this.#lastFullScanMs)) / this.#fullScanMs);
    if (share < 1) return;
    this.#lastFullScanMs = nowMs;
    for (let i = 0; i < Math.min(share, 64); i++) {
      const lane = this.#lanes.get(this.#scanTurn);
      if (lane?.hungry === false) lane.rewind(0);
      this.#scanTurn = (this.#scanTurn + 1) % 64;
    }
  }

  async #seal(): Promise<void> {
    // Nothing found since the last time: positions need not move.
    if (this.#sealedAll && this.#counters.claimed === this.#sealedClaims) return;
    const claimed = this.#counters.claimed;
    this.#sealedAll = await withDeadline(this.#sealer.advance(), this.#queryTimeoutMs, 'seal');
    this.#sealedClaims = claimed;
  }

  /** Runs `work` again and again, `everyMs` between the starts, never twice at once, until closing. */
  #beat(everyMs: number, during: RelayActivity, work: () => Promise<void>): void {
    const stop = new AbortController();
    const run = async (): Promise<void> => {
      await pause(everyMs, stop.signal);
      while (!stop.signal.aborted) {
        const startedMs = performance.now();
        await work().catch((error: unknown) => {
          this.#onError(error, during);
        });
        await pause(Math.max(everyMs / 10, everyMs - (performance.now() - startedMs)), stop.signal);
      }
    };
    const running = run();
    this.#stopBeats.push(async () => {
      stop.abort();
      await running;
    });
  }
}

/** PostgreSQL's codes for a table, a column and a function that do not exist. */
const MISSING: ReadonlySet<unknown> = new Set(['42P01', '42703', '42883']);

function asSchemaMissing(error: unknown): unknown {
  if (!MISSING.has((error as { code?: unknown } | null)?.code)) return error;
  return new OutboxError('schema-missing', 'the tables of this version are not there: run migrate()', {
    cause: error,
  });
}
