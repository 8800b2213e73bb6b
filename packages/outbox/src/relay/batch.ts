import { type Lane } from './lane.ts';
import { type PublishableMessage, type PublishOutcome } from './publisher.ts';
import { type ClaimedRow } from './relay.sql.ts';

export interface Item {
  readonly lane: Lane;
  readonly message: PublishableMessage;
  readonly sizeBytes: number;
  /** When it was written, by the monotonic clock; known of the first row of each lane. */
  readonly writtenMs: number | undefined;
}

/** How far a walk of one lane got, and what it leaves. */
export interface Walk {
  readonly lane: Lane;
  readonly exhausted: boolean;
  readonly lastId: number;
  /** The first row seen that stays pending without being held. */
  leftId: number;
  /** Something of the lane was handed on. */
  served: boolean;
}

export interface Plan {
  readonly walks: readonly Walk[];
  /** To be sent together. */
  readonly items: Item[];
  /** During an earlier attempt of these the process died: sent one at a time, to find the guilty one. */
  readonly suspects: Item[];
}

export interface PlanLimits {
  readonly maxRowsPerLane: number;
  readonly maxLaneBytes: number;
  readonly maxItems: number;
  readonly maxBytes: number;
  /** At most one message of a sharding key: whether the next may be sent depends on what becomes of it. */
  readonly oneAKey: boolean;
}

/** Sorts claimed rows into what is sent now, what waits, and what is left for the next walk. */
export function planRound(
  lanes: readonly Lane[],
  rows: readonly ClaimedRow[],
  limits: PlanLimits,
  nowMs: number,
): Plan {
  const rowsByLane = new Map<number, ClaimedRow[]>();
  for (const row of rows) {
    const list = rowsByLane.get(row.lane);
    if (list === undefined) rowsByLane.set(row.lane, [row]);
    else list.push(row);
  }
  const plan = { walks: [] as Walk[], items: [] as Item[], suspects: [] as Item[] };
  let sizeBytes = 0;
  for (const lane of lanes) {
    const found = rowsByLane.get(lane.lane) ?? [];
    const last = found.at(-1);
    const walk: Walk = {
      lane,
      exhausted:
        found.length < limits.maxRowsPerLane && Number(last?.walked_bytes ?? 0) < limits.maxLaneBytes,
      lastId: Number(last?.id ?? 0),
      leftId: Infinity,
      served: false,
    };
    plan.walks.push(walk);
    let taken = 0;
    const keys = new Set<string>();
    for (const row of found) {
      const id = Number(row.id);
      if (lane.isHeld(row.sharding_key)) continue;
      if (row.wait_ms !== null && row.wait_ms > 0 && !lane.isPardoned(nowMs)) {
        lane.hold(row.sharding_key, id, nowMs + row.wait_ms);
        continue;
      }
      if (limits.oneAKey && keys.has(row.sharding_key)) {
        walk.leftId = Math.min(walk.leftId, id);
        continue;
      }
      keys.add(row.sharding_key);
      const item = toItem(lane, row, id, nowMs);
      const suspect = row.crashes > 0;
      const count = plan.items.length;
      const full = count >= limits.maxItems || (count > 0 && sizeBytes + item.sizeBytes > limits.maxBytes);
      if (full || (suspect && taken > 0)) {
        walk.leftId = Math.min(walk.leftId, id);
        break;
      }
      taken += 1;
      walk.served = true;
      if (suspect) {
        plan.suspects.push(item);
        // Whatever is next in the lane comes with the next walk.
        walk.leftId = id + 1;
        break;
      }
      plan.items.push(item);
      sizeBytes += item.sizeBytes;
    }
  }
  return plan;
}

function toItem(lane: Lane, row: ClaimedRow, id: number, nowMs: number): Item {
  return {
    lane,
    writtenMs: row.age_ms === null ? undefined : nowMs - row.age_ms,
    sizeBytes: Buffer.byteLength(row.payload) + (row.headers?.length ?? 0),
    message: {
      id,
      topic: row.topic,
      tag: row.tag ?? undefined,
      messageKey: row.message_key,
      shardingKey: row.sharding_key,
      body: row.payload,
      headers: row.headers === null ? {} : (JSON.parse(row.headers) as Record<string, string>),
      attempt: row.attempts + 1,
    },
  };
}

/** A batch's outcomes, split by what has to be written. */
export interface Verdict {
  readonly sent: { item: Item; messageId: string; queueOffset: string | null }[];
  /** The first message of each key that is to be tried again. */
  readonly retry: { item: Item; error: unknown }[];
  readonly rejected: { item: Item; error: unknown }[];
  /** Every message is to be tried again. */
  readonly nothingDone: boolean;
}

export function judge(items: readonly Item[], outcomes: readonly PublishOutcome[]): Verdict {
  const verdict: Verdict & { nothingDone: boolean } = {
    sent: [],
    retry: [],
    rejected: [],
    nothingDone: true,
  };
  const retriedKeys = new Set<string>();
  for (const [index, item] of items.entries()) {
    const outcome = outcomes[index] as PublishOutcome;
    switch (outcome.status) {
      case 'sent':
        verdict.sent.push({
          item,
          messageId: outcome.messageId,
          queueOffset: outcome.queueOffset === undefined ? null : String(outcome.queueOffset),
        });
        verdict.nothingDone = false;
        break;
      case 'rejected':
        verdict.rejected.push({ item, error: outcome.error });
        verdict.nothingDone = false;
        break;
      case 'retry':
        if (!retriedKeys.has(item.message.shardingKey)) {
          retriedKeys.add(item.message.shardingKey);
          verdict.retry.push({ item, error: outcome.error });
        }
        break;
    }
  }
  return verdict;
}
