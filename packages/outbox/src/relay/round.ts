import { type Queryable, select } from '../database/database.ts';
import { pause, withDeadline } from '../deadline.ts';
import { errorText, OutboxError } from '../errors.ts';
import { type Tables } from '../schema/tables.ts';
import { backoffMs, type BackoffOptions } from '../backoff.ts';
import { type Item, judge, type Plan, planRound, type Verdict, type Walk } from './batch.ts';
import { type Breaker } from './breaker.ts';
import { type Lane } from './lane.ts';
import { type Leases } from './leases.ts';
import { type Publisher, type PublishOutcome } from './publisher.ts';
import { beginSql, claimSql, landSql, type ClaimedRow, markFailedSql, markSentSql } from './relay.sql.ts';
import { type Sealer } from './sealer.ts';
import { type RelayCounters } from './stats.ts';

export interface RoundsOptions {
  readonly database: Queryable;
  readonly tables: Tables;
  readonly sessionId: string;
  readonly publisher: Publisher;
  readonly leases: Leases;
  readonly sealer: Sealer;
  readonly breaker: Breaker;
  readonly counters: RelayCounters;
  readonly batchBytes: number;
  readonly pollMs: number;
  readonly queryTimeoutMs: number;
  readonly publishTimeoutMs: number;
  readonly retry: BackoffOptions;
  readonly maxAttempts: number;
  /** Later messages of a dead one's sharding key wait. */
  readonly holdsKeys: boolean;
  /** The publisher works again after a while of failing as a whole. */
  readonly onRecovery: () => void;
  readonly onBatch: (batch: RelayBatch) => void;
  readonly onError: (error: unknown, during: RelayActivity) => void;
}

export type RelayActivity = 'claim' | 'publish' | 'mark' | 'lease' | 'seal' | 'wake' | 'hook';

/** What one call of the publisher came to. */
export interface RelayBatch {
  readonly messages: number;
  readonly sizeBytes: number;
  readonly sent: number;
  readonly retried: number;
  readonly rejected: number;
  readonly lanes: number;
  readonly publishMs: number;
  readonly markMs: number;
  /** From the writing of the oldest message to the end of its mark; absent when only later ones of their lanes went. */
  readonly oldestMs: number | undefined;
}

/** After an abort the publisher gets this long to settle before its lanes go on without knowing. */
const ABORT_GRACE_MS = 5000;
/** Rows of a lane claimed at once where all of them may be of one sharding key, of which one is sent. */
const ROWS_OF_HELD_LANES = 64;
const MARK_PAUSE: BackoffOptions = { initialMs: 50, maxMs: 2000 };

/** One round: claim rows of some lanes, hand them to the publisher, write down the outcomes. No transaction spans two. */
export class Rounds {
  readonly #options: RoundsOptions;
  readonly #sql: Record<'claim' | 'begin' | 'markSent' | 'markFailed' | 'land', string>;
  /** One suspect at a time in the whole process: if it dies again, it is known during which. */
  #suspectTurn: Promise<void> = Promise.resolve();

  constructor(options: RoundsOptions) {
    this.#options = options;
    const { tables } = options;
    this.#sql = {
      claim: claimSql(tables),
      begin: beginSql(tables),
      markSent: markSentSql(tables),
      markFailed: markFailedSql(tables, options.holdsKeys),
      land: landSql(tables),
    };
  }

  /** Rejects when the database fails; the lanes' positions are then as before. */
  async run(lanes: readonly Lane[], signal: AbortSignal): Promise<void> {
    const { breaker, sealer, batchBytes, pollMs, holdsKeys } = this.#options;
    const startedMs = performance.now();
    for (const lane of lanes) lane.releaseDueHolds(startedMs);
    // Read before the walk's snapshot is taken: only then does the walk see all rows up to it.
    const sealed = sealer.sealed;
    const limits = {
      maxRowsPerLane: Math.max(
        1,
        Math.min(Math.floor(breaker.batch / lanes.length), holdsKeys ? ROWS_OF_HELD_LANES : Infinity),
      ),
      maxLaneBytes: Math.max(1, Math.floor(batchBytes / lanes.length)),
      maxItems: breaker.batch,
      maxBytes: batchBytes,
      oneAKey: holdsKeys,
    };
    const rows = await this.#query<ClaimedRow>('claim', [
      lanes.map((lane) => lane.lane),
      lanes.map((lane) => lane.after),
      limits.maxRowsPerLane,
      limits.maxLaneBytes,
      lanes.flatMap((lane) => [...lane.heldKeys]),
    ]);
    const plan = planRound(lanes, rows, limits, performance.now());
    if (rows.length > 0) {
      this.#options.counters.claimed += rows.length;
      await this.#send(plan, plan.items, signal);
      for (const suspect of plan.suspects) await this.#sendSuspect(plan, suspect, signal);
    }
    const nowMs = performance.now();
    for (const walk of plan.walks) settle(walk, sealed, nowMs, pollMs);
  }

  async #sendSuspect(plan: Plan, suspect: Item, signal: AbortSignal): Promise<void> {
    const before = this.#suspectTurn;
    let done = (): void => {};
    this.#suspectTurn = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await before;
      await this.#send(plan, [suspect], signal);
    } finally {
      done();
    }
  }

  async #send(plan: Plan, planned: readonly Item[], signal: AbortSignal): Promise<void> {
    if (planned.length === 0) return;
    const { breaker, publisher, onBatch, onError } = this.#options;
    const leave = (items: readonly Item[]): void => {
      leaveItems(plan, items);
    };
    // Other rounds may have met an outage since the rows were claimed.
    if (signal.aborted || performance.now() < breaker.untilMs) {
      leave(planned);
      return;
    }
    const { flight, items } = await this.#begin(planned);
    if (items.length < planned.length) leave(planned);
    if (items.length === 0 || performance.now() >= this.#options.leases.validUntilMs) {
      leave(items);
      await this.#persist('land', [flight]);
      return;
    }
    const publishedMs = performance.now();
    let outcomes: readonly PublishOutcome[];
    let thrown = false;
    try {
      outcomes = await this.#publish(publisher, items, signal);
    } catch (error) {
      if (!signal.aborted) onError(error, 'publish');
      thrown = true;
      outcomes = items.map(() => ({ status: 'retry', error }));
    }
    const markedMs = performance.now();
    const verdict = judge(items, outcomes);
    await this.#write(plan, items, flight, verdict, thrown, signal);
    this.#count(verdict);
    const doneMs = performance.now();
    const writtenMs = items.reduce((least, item) => Math.min(least, item.writtenMs ?? Infinity), Infinity);
    report(onBatch, onError, {
      messages: items.length,
      sizeBytes: items.reduce((sum, item) => sum + item.sizeBytes, 0),
      sent: verdict.sent.length,
      retried: verdict.retry.length,
      rejected: verdict.rejected.length,
      lanes: new Set(items.map((item) => item.lane)).size,
      publishMs: markedMs - publishedMs,
      markMs: doneMs - markedMs,
      oldestMs: writtenMs === Infinity ? undefined : doneMs - writtenMs,
    });
  }

  /** Notes the items as in flight; returns those whose lanes are still ours. */
  async #begin(items: readonly Item[]): Promise<{ flight: string; items: readonly Item[] }> {
    const lanes = [...new Set(items.map((item) => item.lane))];
    const rows = await this.#query<{ lane: number | null; flight: string | number | bigint }>('begin', [
      ...fenceArrays(lanes),
      this.#options.sessionId,
      items.map((item) => item.message.id),
    ]);
    const ours = new Set(rows.map((row) => row.lane));
    for (const lane of lanes) if (!ours.has(lane.lane)) lane.retired = true;
    return {
      flight: String(rows[0]?.flight),
      items: ours.size === lanes.length ? items : items.filter((item) => ours.has(item.lane.lane)),
    };
  }

  async #publish(
    publisher: Publisher,
    items: readonly Item[],
    signal: AbortSignal,
  ): Promise<readonly PublishOutcome[]> {
    const { publishTimeoutMs } = this.#options;
    const attempt = new AbortController();
    let graceTimer: NodeJS.Timeout | undefined;
    let giveUp = (_error: OutboxError): void => {};
    const givenUp = new Promise<never>((_resolve, reject) => {
      giveUp = reject;
    });
    const abort = (reason: unknown): void => {
      if (attempt.signal.aborted) return;
      attempt.abort(reason);
      graceTimer = setTimeout(() => {
        const text = `publish did not end within ${ABORT_GRACE_MS} ms of its abort`;
        giveUp(new OutboxError('timeout', text, { retryable: true, cause: reason }));
      }, ABORT_GRACE_MS);
    };
    const onAbort = (): void => {
      abort(signal.reason);
    };
    const timer = setTimeout(() => {
      abort(
        new OutboxError('timeout', `publish took longer than ${publishTimeoutMs} ms`, { retryable: true }),
      );
    }, publishTimeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      // Through an async function, so that a publisher that throws at once is no different.
      const work = (async () =>
        publisher.publish(
          items.map((item) => item.message),
          attempt.signal,
        ))();
      const outcomes = await Promise.race([work, givenUp]);
      checkOutcomes(outcomes, items.length);
      return outcomes;
    } finally {
      clearTimeout(timer);
      clearTimeout(graceTimer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #write(
    plan: Plan,
    items: readonly Item[],
    flight: string,
    verdict: Verdict,
    thrown: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { breaker, retry, maxAttempts } = this.#options;
    const lanes = [...new Set(items.map((item) => item.lane))];
    const fence = [...fenceArrays(lanes), flight];
    if (verdict.nothingDone) {
      const keys = verdict.retry.length;
      // One message that fails alone is its own affair; in a batch, or while others fail too, it may be the publisher's.
      if (!signal.aborted && (items.length > 1 || breaker.open)) {
        breaker.failed(performance.now(), items.length, thrown);
      }
      // An abort is nobody's failure.
      if (signal.aborted || !breaker.isSmall(keys, thrown)) {
        leaveItems(plan, items);
        await this.#persist('land', [flight]);
        return;
      }
    } else {
      if (breaker.succeeded()) this.#options.onRecovery();
    }
    const { sent, rejected } = verdict;
    if (sent.length > 0) {
      await this.#persist('markSent', [
        ...fence,
        sent.map(({ item }) => item.message.id),
        sent.map(({ messageId }) => messageId),
        sent.map(({ queueOffset }) => queueOffset),
      ]);
    }
    const failed = rejected.map((entry) => ({ ...entry, status: 2, delayMs: null as number | null }));
    for (const entry of verdict.retry) {
      const { attempt } = entry.item.message;
      const pauseMs = backoffMs(retry, attempt);
      failed.push({
        ...entry,
        ...(attempt >= maxAttempts ? { status: 2, delayMs: null } : { status: 0, delayMs: pauseMs }),
      });
    }
    if (failed.length === 0) return;
    await this.#persist('markFailed', [
      ...fence,
      failed.map(({ item }) => item.message.id),
      failed.map(({ status }) => status),
      failed.map(({ delayMs }) => delayMs),
      failed.map(({ error }) => errorText(error)),
    ]);
    const nowMs = performance.now();
    const { holdsKeys } = this.#options;
    for (const { item, delayMs } of failed) {
      const untilMs = delayMs === null ? Infinity : nowMs + delayMs;
      if (delayMs !== null || holdsKeys) item.lane.hold(item.message.shardingKey, item.message.id, untilMs);
    }
    // Given up for good: what stood behind it in this batch was reported `retry` as well and is still to be sent.
    const givenUp = new Set(
      failed.filter(({ delayMs }) => delayMs === null).map(({ item }) => item.message.shardingKey),
    );
    if (verdict.retry.length > 0 && givenUp.size > 0) {
      leaveItems(
        plan,
        items.filter((item) => givenUp.has(item.message.shardingKey)),
      );
    }
  }

  /** Writes outcomes, again and again while the lanes are ours: what was sent and not marked would be sent twice. */
  async #persist(statement: 'markSent' | 'markFailed' | 'land', values: readonly unknown[]): Promise<void> {
    for (let failures = 0; ;) {
      try {
        const { database, queryTimeoutMs } = this.#options;
        const result = await withDeadline(
          database.query(this.#sql[statement], values),
          queryTimeoutMs,
          statement,
        );
        if (statement === 'markSent') {
          const [{ marked }] = result.rows as [{ marked: number }];
          this.#options.counters.fenced += (values[3] as readonly unknown[]).length - marked;
        }
        return;
      } catch (error) {
        failures += 1;
        if (performance.now() >= this.#options.leases.validUntilMs) throw error;
        this.#options.onError(error, 'mark');
        await pause(backoffMs(MARK_PAUSE, failures));
      }
    }
  }

  async #query<Row>(statement: 'claim' | 'begin', values: readonly unknown[]): Promise<readonly Row[]> {
    const { database, queryTimeoutMs } = this.#options;
    return withDeadline(select<Row>(database, this.#sql[statement], values), queryTimeoutMs, statement);
  }

  #count(verdict: Verdict): void {
    const { counters } = this.#options;
    counters.batches += 1;
    counters.sent += verdict.sent.length;
    counters.retried += verdict.retry.length;
    counters.rejected += verdict.rejected.length;
  }
}

function fenceArrays(lanes: readonly Lane[]): [number[], number[]] {
  return [lanes.map((lane) => lane.lane), lanes.map((lane) => lane.epoch)];
}

function leaveItems(plan: Plan, items: readonly Item[]): void {
  const walks = new Map(plan.walks.map((walk) => [walk.lane, walk]));
  for (const { lane, message } of items) {
    const walk = walks.get(lane);
    if (walk !== undefined) walk.leftId = Math.min(walk.leftId, message.id);
  }
}

/** Moves a lane's position to where the walk got, held back by what is not sealed and by what it left. */
function settle(walk: Walk, sealed: number, nowMs: number, pollMs: number): void {
  const { lane } = walk;
  const reached = walk.exhausted ? sealed : Math.min(sealed, walk.lastId);
  lane.settle(Math.min(Math.max(lane.after, reached), walk.leftId - 1));
  lane.hungry = !walk.exhausted || walk.leftId !== Infinity;
  // What got no place in the batch keeps its place in the queue.
  if (!lane.hungry && !lane.kicked) lane.dueAtMs = nowMs + pollMs;
  else if (walk.served) lane.dueAtMs = nowMs;
}

function checkOutcomes(outcomes: readonly PublishOutcome[], expected: number): void {
  const known = (outcome: PublishOutcome | undefined): boolean =>
    outcome?.status === 'sent' || outcome?.status === 'retry' || outcome?.status === 'rejected';
  if (!Array.isArray(outcomes) || outcomes.length !== expected || !outcomes.every(known)) {
    throw new OutboxError(
      'publisher-contract',
      `publish() must resolve to ${expected} outcomes, one per message`,
    );
  }
}

function report(
  onBatch: RoundsOptions['onBatch'],
  onError: RoundsOptions['onError'],
  batch: RelayBatch,
): void {
  try {
    onBatch(batch);
  } catch (error) {
    onError(error, 'hook');
  }
}
