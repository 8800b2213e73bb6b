import { type Queryable, select } from '../database/database.ts';
import { LANE_COUNT, type Tables } from '../schema/tables.ts';
import { OutboxError } from '../errors.ts';
import { Lane } from './lane.ts';
import { type LaneSet } from './lane-set.ts';
import { LastMinute } from './last-minute.ts';
import {
  acquireSql,
  type AcquiredLane,
  floorsSql,
  type HeldKey,
  heldKeysSql,
  type LaneView,
  leaveSql,
  releaseSql,
  renewSql,
} from './leases.sql.ts';

export interface LeasesOptions {
  readonly database: Queryable;
  readonly tables: Tables;
  readonly sessionId: string;
  readonly instanceId: string;
  readonly leaseMs: number;
  readonly maxCrashes: number;
  /** Later messages of a dead one's sharding key wait. */
  readonly holdsKeys: boolean;
  readonly lanes: LaneSet;
  /** Messages sent since the start. */
  readonly sentCount: () => number;
}

/** The share of the lease that the holder itself relies on; the rest allows for a slow clock and a slow reply. */
const TRUSTED_SHARE = 0.85;
/** Positions are stored so seldom because each leaves dead versions of the lanes, which everybody has to look past. */
const STORE_FLOORS_MS = 10_000;

/**
 * Membership and lanes: one row a relay is renewed by the clock, whatever the batches do; lanes of sessions that ran
 * out are free; each live session takes its fair share of the free ones and gives back what exceeds it.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #sql: Record<'renew' | 'acquire' | 'heldKeys' | 'release' | 'floors' | 'leave', string>;
  readonly #lastMinute = new LastMinute();
  #validUntilMs = 0;
  #liveCount = 0;
  #leaving = false;
  #floorsStoredMs = 0;

  constructor(options: LeasesOptions) {
    this.#options = options;
    const { tables, holdsKeys } = options;
    this.#sql = {
      renew: renewSql(tables),
      acquire: acquireSql(tables, holdsKeys),
      heldKeys: heldKeysSql(tables),
      release: releaseSql(tables),
      floors: floorsSql(tables),
      leave: leaveSql(tables),
    };
  }

  /** Until then, of the monotonic clock, nobody else can own the lanes. */
  get validUntilMs(): number {
    return this.#validUntilMs;
  }

  /** Relays alive at the last renewal, this one included. */
  get liveCount(): number {
    return this.#liveCount;
  }

  /** Renews and balances. */
  async tick(): Promise<void> {
    const { database, sessionId, instanceId, leaseMs, lanes } = this.#options;
    const startedMs = performance.now();
    const view = await select<LaneView>(database, this.#sql.renew, [
      sessionId,
      instanceId,
      leaseMs,
      this.#lastMinute.look(startedMs, this.#options.sentCount()),
    ]);
    const first = view[0];
    if (first === undefined || view.length !== LANE_COUNT) {
      for (const lane of [...lanes]) lanes.drop(lane);
      throw new OutboxError(
        'lane-count',
        `outbox_lanes has ${view.length} lanes, this version works with ${LANE_COUNT}: ` +
          'stop all relays, run migrate() of the newer version, and start relays of that version only',
      );
    }
    this.#validUntilMs = startedMs + leaseMs * TRUSTED_SHARE;
    this.#liveCount = first.live_count;
    const orphans = this.#reconcile(view);
    const target =
      Math.floor(LANE_COUNT / first.live_count) + (first.live_before < LANE_COUNT % first.live_count ? 1 : 0);
    await this.#release(orphans);
    await this.#release(excess([...lanes], target));
    await this.#storeFloors();
    if (this.#options.holdsKeys) await this.#freeKeys();
    const wanted = view
      .filter((row) => row.free && !lanes.isLeaving(row.lane))
      .slice(0, Math.max(0, target - lanes.size));
    if (wanted.length > 0 && !this.#leaving) await this.#acquire(wanted);
  }

  /** Keeps the lanes it has until `leave()`, and renews, but takes no others. */
  takeNoMore(): void {
    this.#leaving = true;
  }

  /** Gives everything back that is not under way; the rest is taken over when the lease runs out. */
  async leave(): Promise<void> {
    const { database, sessionId, lanes } = this.#options;
    const all = [...lanes];
    await this.#release(all.filter((lane) => !lane.busy));
    if (all.every((lane) => !lane.busy)) await database.query(this.#sql.leave, [sessionId]);
    this.#validUntilMs = 0;
  }

  /** Brings the own list in line with the table; returns lanes that carry our name but are not in use. */
  #reconcile(view: readonly LaneView[]): Lane[] {
    const { lanes } = this.#options;
    const orphans: Lane[] = [];
    for (const row of view) {
      const lane = lanes.get(row.lane);
      const epoch = Number(row.epoch);
      if (lane === undefined) {
        if (row.mine && !lanes.isLeaving(row.lane))
          orphans.push(new Lane(row.lane, epoch, Number(row.floor)));
      } else if (!row.mine || lane.epoch !== epoch) {
        lanes.drop(lane);
      } else if (Number(row.floor) < lane.storedFloor) {
        // Nobody but a replay lowers it, and that always does: rows behind our position are pending again.
        lane.storedFloor = Number(row.floor);
        lane.reopen(lane.storedFloor);
      }
    }
    return orphans;
  }

  async #acquire(wanted: readonly LaneView[]): Promise<void> {
    const { database, sessionId, maxCrashes, holdsKeys, lanes } = this.#options;
    const rows = await select<AcquiredLane>(database, this.#sql.acquire, [
      sessionId,
      wanted.map((row) => row.lane),
      wanted.map((row) => String(row.epoch)),
      maxCrashes,
    ]);
    const gained = new Map(
      rows.map((row) => [row.lane, new Lane(row.lane, Number(row.epoch), Number(row.floor))]),
    );
    // Before the first walk. When this fails the lanes are ours in the table alone, and given back at the next tick.
    if (holdsKeys) {
      for (const { lane, sharding_key: key, id } of await this.#heldKeys([...gained.keys()])) {
        gained.get(lane)?.hold(key, Number(id), Infinity);
      }
    }
    for (const lane of gained.values()) lanes.add(lane);
  }

  /** Ends the wait of keys whose dead row has been replayed or skipped. */
  async #freeKeys(): Promise<void> {
    // Those that waited before the look: what dies meanwhile is not in it.
    const waiting = [...this.#options.lanes]
      .map((lane) => ({ lane, keys: lane.keysBehindDead() }))
      .filter(({ keys }) => keys.length > 0);
    if (waiting.length === 0) return;
    const rows = await this.#heldKeys(waiting.map(({ lane }) => lane.lane));
    const held = new Set(rows.map((row) => row.sharding_key));
    for (const { lane, keys } of waiting) {
      for (const key of keys.filter((waits) => !held.has(waits))) lane.release(key);
    }
  }

  #heldKeys(lanes: readonly number[]): Promise<readonly HeldKey[]> {
    return select<HeldKey>(this.#options.database, this.#sql.heldKeys, [lanes]);
  }

  async #release(given: readonly Lane[]): Promise<void> {
    if (given.length === 0) return;
    const { database, lanes } = this.#options;
    for (const lane of given) lanes.drop(lane);
    await database.query(this.#sql.release, laneArrays(given));
  }

  async #storeFloors(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#floorsStoredMs < STORE_FLOORS_MS) return;
    this.#floorsStoredMs = nowMs;
    const changed = [...this.#options.lanes].filter((lane) => lane.floor > lane.storedFloor);
    if (changed.length === 0) return;
    const values = laneArrays(changed);
    const stored = await select<{ lane: number }>(this.#options.database, this.#sql.floors, values);
    const numbers = new Set(stored.map((row) => row.lane));
    const [, , floors] = values;
    for (const [index, lane] of changed.entries())
      if (numbers.has(lane.lane)) lane.storedFloor = floors[index] ?? lane.storedFloor;
  }
}

function laneArrays(lanes: readonly Lane[]): [number[], number[], number[], number[]] {
  return [
    lanes.map((lane) => lane.lane),
    lanes.map((lane) => lane.epoch),
    lanes.map((lane) => lane.floor),
    lanes.map((lane) => lane.storedFloor),
  ];
}

/** Lanes above the target that are not under way; those that are stop walking and go at the next tick. */
function excess(lanes: readonly Lane[], target: number): Lane[] {
  let surplus = lanes.length - target;
  const given: Lane[] = [];
  const idleFirst = [...lanes].sort((a, b) => Number(a.busy) - Number(b.busy) || b.lane - a.lane);
  for (const lane of idleFirst) {
    // A lane told to stop earlier may be wanted again when another relay has gone meanwhile.
    lane.retired = surplus > 0;
    if (surplus > 0 && !lane.busy) given.push(lane);
    surplus -= 1;
  }
  return given;
}
