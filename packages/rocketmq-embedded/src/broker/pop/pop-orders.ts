import { JsonReader, type JsonValue, type PopOrderCount } from '@dt/rocketmq-protocol';
import type { JsonFile } from '../../store/index.ts';

/** What a group has popped in order from one queue. */
interface Order {
  attemptId: string | undefined;
  popTime: number;
  invisibleTimeMs: number;
  offsets: number[];
  done: Set<number>;
  /** Deliveries before the present one, of those that had any. */
  counts: Map<number, number>;
  /** End of the time in which a message is away, where it was changed. */
  visibleAt: Map<number, number>;
  lastUsed: number;
}

/** A group that has not popped for so long begins anew. */
const FORGET_MS = 24 * 3_600_000;

/**
 * Which queues are held by messages popped in order. Saved now and then: after a crash a queue may be free too early,
 * and its messages come again.
 */
export class PopOrders {
  readonly #file: JsonFile;
  /** By `topic@group`, then by queue. */
  readonly #orders = new Map<string, Map<number, Order>>();
  #dirty = false;

  constructor(file: JsonFile) {
    this.#file = file;
    const document = file.load();
    if (document === undefined) return;
    const reader = new JsonReader(document as JsonValue, file.path);
    for (const entry of reader.objects('orders'))
      this.#put(entry.string('topic'), entry.string('group'), entry.integer('queueId'), orderFrom(entry));
  }

  /** Until when the queue is held; undefined when it is free, or held by this very attempt. */
  blockedUntil(topic: string, group: string, queueId: number, attemptId?: string): number | undefined {
    const order = this.#get(topic, group, queueId);
    if (order === undefined || (attemptId !== undefined && order.attemptId === attemptId)) return undefined;
    let until: number | undefined;
    for (const offset of order.offsets) {
      if (order.done.has(offset)) continue;
      const visibleAt = order.visibleAt.get(offset) ?? order.popTime + order.invisibleTimeMs;
      if (visibleAt > Date.now()) until = Math.max(until ?? 0, visibleAt);
    }
    return until;
  }

  /** Notes what was popped and tells how often it was before. */
  popped(
    topic: string,
    group: string,
    queueId: number,
    popped: { attemptId: string | undefined; popTime: number; invisibleTimeMs: number; offsets: number[] },
  ): PopOrderCount[] {
    const before = this.#get(topic, group, queueId);
    const counts = countsAfter(before, popped);
    this.#put(topic, group, queueId, {
      ...popped,
      done: new Set(),
      counts,
      visibleAt: new Map(),
      lastUsed: Date.now(),
    });
    this.#dirty = true;
    const queue = { retry: 'normal', queueId } as const;
    const least = counts.size === popped.offsets.length ? Math.min(...counts.values()) : 0;
    return [
      ...[...counts].map(([queueOffset, count]) => ({ ...queue, queueOffset, count })),
      { ...queue, count: least },
    ];
  }

  /**
   * A message is done. Gives the offset the group goes on from: that of the first that is not done. `stale` when the
   * messages were popped again meanwhile, `unknown` for a message that was not among them.
   */
  done(
    topic: string,
    group: string,
    queueId: number,
    offset: number,
    popTime: number,
  ): number | 'stale' | 'unknown' {
    const order = this.#get(topic, group, queueId);
    if (order === undefined) return offset + 1;
    if (order.popTime !== popTime) return 'stale';
    if (!order.offsets.includes(offset)) return 'unknown';
    order.done.add(offset);
    this.#dirty = true;
    const open = order.offsets.find((each) => !order.done.has(each));
    return open ?? (order.offsets.at(-1) ?? offset) + 1;
  }

  changeVisibleAt(
    topic: string,
    group: string,
    queueId: number,
    offset: number,
    popTime: number,
    visibleAt: number,
  ): void {
    const order = this.#get(topic, group, queueId);
    if (order?.popTime !== popTime || !order.offsets.includes(offset)) return;
    order.visibleAt.set(offset, visibleAt);
    this.#dirty = true;
  }

  /** Frees the queue, whatever was popped from it. */
  clear(topic: string, group: string, queueId: number): void {
    if (this.#orders.get(`${topic}@${group}`)?.delete(queueId) === true) this.#dirty = true;
  }

  deleteTopic(topic: string): void {
    for (const key of [...this.#orders.keys()])
      if (key.startsWith(`${topic}@`)) this.#dirty = this.#orders.delete(key);
  }

  async save(now = Date.now()): Promise<void> {
    for (const [key, queues] of this.#orders) {
      for (const [queueId, order] of queues)
        if (now - order.lastUsed > FORGET_MS) this.#dirty = queues.delete(queueId);
      if (queues.size === 0) this.#orders.delete(key);
    }
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      await this.#file.save({ orders: this.#toJson() });
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }

  #get(topic: string, group: string, queueId: number): Order | undefined {
    return this.#orders.get(`${topic}@${group}`)?.get(queueId);
  }

  #put(topic: string, group: string, queueId: number, order: Order): void {
    const key = `${topic}@${group}`;
    let queues = this.#orders.get(key);
    if (queues === undefined) this.#orders.set(key, (queues = new Map<number, Order>()));
    queues.set(queueId, order);
  }

  #toJson(): unknown[] {
    return [...this.#orders].flatMap(([key, queues]) => {
      const at = key.indexOf('@');
      return [...queues].map(([queueId, { done, counts, visibleAt, ...order }]) => ({
        ...{ topic: key.slice(0, at), group: key.slice(at + 1), queueId, ...order },
        ...{ done: [...done], counts: [...counts].flat(), visibleAt: [...visibleAt].flat() },
      }));
    });
  }
}

function countsAfter(
  before: Order | undefined,
  { attemptId, offsets }: Pick<Order, 'attemptId' | 'offsets'>,
): Map<number, number> {
  if (before === undefined) return new Map();
  // The same attempt once more: its answer was lost, nobody has seen the messages.
  if (attemptId !== undefined && before.attemptId === attemptId) return before.counts;
  const again = offsets.filter((offset) => before.offsets.includes(offset));
  return new Map(again.map((offset) => [offset, (before.counts.get(offset) ?? 0) + 1]));
}

function orderFrom(reader: JsonReader): Order {
  return {
    attemptId: reader.has('attemptId') ? reader.string('attemptId') : undefined,
    popTime: reader.integer('popTime'),
    invisibleTimeMs: reader.integer('invisibleTimeMs'),
    offsets: reader.integers('offsets'),
    done: new Set(reader.integers('done')),
    counts: new Map(pairs(reader.integers('counts'))),
    visibleAt: new Map(pairs(reader.integers('visibleAt'))),
    lastUsed: reader.integer('lastUsed'),
  };
}

function pairs(flat: readonly number[]): [number, number][] {
  return Array.from({ length: Math.floor(flat.length / 2) }, (_, i) => [
    flat[2 * i] ?? 0,
    flat[2 * i + 1] ?? 0,
  ]);
}
