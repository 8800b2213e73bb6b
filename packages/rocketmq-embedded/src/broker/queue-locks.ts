import type { MessageQueue } from '@dt/rocketmq-protocol';
import { noRoom } from '../server/index.ts';

/** A lock that is not renewed for this long is free again. */
const LOCK_LIFE_MS = 60_000;

interface Lock {
  clientId: string;
  renewedAt: number;
}

/** Which member of a group may consume a queue in order. Not kept over a restart, as in the real broker. */
export class QueueLocks {
  readonly #groups = new Map<string, Map<string, Lock>>();
  readonly #max: number;
  #count = 0;

  /** `max` locks there may be; those that are not renewed make room with the next sweep. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The queues this client owns afterwards. */
  lock(group: string, clientId: string, queues: readonly MessageQueue[], now = Date.now()): MessageQueue[] {
    let locks = this.#groups.get(group);
    if (locks === undefined && queues.length === 0) return [];
    if (locks === undefined) this.#groups.set(group, (locks = new Map<string, Lock>()));
    const owned: MessageQueue[] = [];
    for (const queue of queues) {
      const key = keyOf(queue);
      const lock = locks.get(key);
      if (lock !== undefined && lock.clientId !== clientId && !expired(lock, now)) continue;
      if (lock === undefined) {
        if (this.#count >= this.#max) throw noRoom('queue locks', this.#max);
        this.#count++;
      }
      locks.set(key, { clientId, renewedAt: now });
      owned.push(queue);
    }
    return owned;
  }

  /** Locks of other clients stay. */
  unlock(group: string, clientId: string, queues: readonly MessageQueue[]): void {
    const locks = this.#groups.get(group);
    for (const queue of queues)
      if (locks?.get(keyOf(queue))?.clientId === clientId && locks.delete(keyOf(queue))) this.#count--;
  }

  /** Whether a group consumes in order: some lock of it is alive. */
  hasLive(group: string, now = Date.now()): boolean {
    for (const lock of this.#groups.get(group)?.values() ?? []) if (!expired(lock, now)) return true;
    return false;
  }

  sweep(now = Date.now()): void {
    for (const [group, locks] of this.#groups) {
      for (const [key, lock] of locks) if (expired(lock, now) && locks.delete(key)) this.#count--;
      if (locks.size === 0) this.#groups.delete(group);
    }
  }
}

function expired(lock: Lock, now: number): boolean {
  return now - lock.renewedAt > LOCK_LIFE_MS;
}

function keyOf(queue: MessageQueue): string {
  return `${queue.topic}@${queue.brokerName}@${queue.queueId}`;
}
