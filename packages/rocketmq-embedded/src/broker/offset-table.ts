import { noRoom } from '../server/index.ts';
import type { JsonFile } from '../store/index.ts';

type OffsetDocument = { offsetTable?: Record<string, Record<string, number>> };

/** How far each group has come in each queue. Saved now and then: a crash repeats messages, it never skips any. */
export class OffsetTable {
  readonly #file: JsonFile;
  /** `topic@group`, then queue id. */
  readonly #committed = new Map<string, Map<number, number>>();
  /** Where the last pull of the group ended; not kept over a restart. */
  readonly #pulled = new Map<string, Map<number, number>>();
  /** Offsets a group was set to, until the next pull of each queue. They do not outlive the process. */
  readonly #resets = new Map<string, Map<number, number>>();
  readonly #max: number;
  /** Entries of `#committed` and of `#pulled`. */
  #committedCount = 0;
  #pulledCount = 0;
  #dirty = false;

  /** `max` offsets there may be. */
  constructor(file: JsonFile, max: number) {
    this.#file = file;
    this.#max = max;
    const { offsetTable = {} } = (file.load() ?? {}) as OffsetDocument;
    for (const [key, queues] of Object.entries(offsetTable)) {
      this.#committed.set(
        key,
        new Map(Object.entries(queues).map(([queueId, offset]) => [Number(queueId), offset])),
      );
      this.#committedCount += Object.keys(queues).length;
    }
  }

  query(group: string, topic: string, queueId: number): number | undefined {
    const key = `${topic}@${group}`;
    return this.#resets.get(key)?.get(queueId) ?? this.#committed.get(key)?.get(queueId);
  }

  pulled(group: string, topic: string, queueId: number): number | undefined {
    return this.#pulled.get(`${topic}@${group}`)?.get(queueId);
  }

  commit(group: string, topic: string, queueId: number, offset: number): void {
    const key = `${topic}@${group}`;
    if (this.#committed.get(key)?.has(queueId) !== true) {
      if (this.#committedCount >= this.#max) throw noRoom('consumer offsets', this.#max);
      this.#committedCount++;
    }
    put(this.#committed, key, queueId, offset);
    this.#dirty = true;
  }

  /** Where a group begins in a topic the broker has made for it: that must not fail, however full the table is. */
  begin(group: string, topic: string, queueId: number): void {
    if (this.query(group, topic, queueId) !== undefined) return;
    put(this.#committed, `${topic}@${group}`, queueId, 0);
    this.#committedCount++;
    this.#dirty = true;
  }

  /** Sets a group to another offset, which holds against commits until `takeReset`. */
  reset(group: string, topic: string, queueId: number, offset: number): void {
    const key = `${topic}@${group}`;
    put(this.#resets, key, queueId, offset);
    // As in the real broker: a group that has told nothing of this topic is not given an offset here.
    if (this.#committed.has(key)) this.commit(group, topic, queueId, offset);
  }

  hasReset(group: string, topic: string, queueId: number): boolean {
    return this.#resets.get(`${topic}@${group}`)?.has(queueId) ?? false;
  }

  /** The offset a group was set to, once. */
  takeReset(group: string, topic: string, queueId: number): number | undefined {
    const key = `${topic}@${group}`;
    const queues = this.#resets.get(key);
    const offset = queues?.get(queueId);
    queues?.delete(queueId);
    if (queues?.size === 0) this.#resets.delete(key);
    return offset;
  }

  notePull(group: string, topic: string, queueId: number, offset: number): void {
    const key = `${topic}@${group}`;
    if (this.#pulled.get(key)?.has(queueId) !== true) {
      // Told to tools only.
      if (this.#pulledCount >= this.#max) return;
      this.#pulledCount++;
    }
    put(this.#pulled, key, queueId, offset);
  }

  topicsOf(group: string): string[] {
    return this.#split()
      .filter((entry) => entry.group === group)
      .map((entry) => entry.topic);
  }

  groupsOf(topic: string): string[] {
    return this.#split()
      .filter((entry) => entry.topic === topic)
      .map((entry) => entry.group);
  }

  /** Everything that is committed. */
  all(): { group: string; topic: string; offsets: Record<string, number> }[] {
    return this.#split().map(({ key, group, topic }) => ({
      group,
      topic,
      offsets: Object.fromEntries(this.#committed.get(key) ?? []),
    }));
  }

  /** Gives `target` the offsets that `source` has in a topic, instead of its own. */
  clone(source: string, target: string, topic: string): void {
    const offsets = this.#committed.get(`${topic}@${source}`);
    if (offsets === undefined) return;
    const before = this.#committed.get(`${topic}@${target}`)?.size ?? 0;
    if (this.#committedCount + offsets.size - before > this.#max) throw noRoom('consumer offsets', this.#max);
    this.#committedCount += offsets.size - before;
    this.#committed.set(`${topic}@${target}`, new Map(offsets));
    this.#dirty = true;
  }

  deleteTopic(topic: string): void {
    this.#delete((entry) => entry.topic === topic);
  }

  deleteGroup(group: string): void {
    this.#delete((entry) => entry.group === group);
  }

  async save(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    const offsetTable = Object.fromEntries(
      [...this.#committed].map(([key, queues]) => [key, Object.fromEntries(queues)]),
    );
    try {
      await this.#file.save({ offsetTable });
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }

  #delete(which: (entry: { topic: string; group: string }) => boolean): void {
    for (const entry of this.#split().filter(which)) {
      this.#committedCount -= this.#committed.get(entry.key)?.size ?? 0;
      this.#committed.delete(entry.key);
      this.#pulledCount -= this.#pulled.get(entry.key)?.size ?? 0;
      this.#pulled.delete(entry.key);
      this.#resets.delete(entry.key);
      this.#dirty = true;
    }
  }

  #split(): { key: string; topic: string; group: string }[] {
    // Neither topics nor groups may hold an `@`. A group that only pulled has left no trace here, as in the real broker.
    return [...this.#committed.keys()].map((key) => {
      const at = key.indexOf('@');
      return { key, topic: key.slice(0, at), group: key.slice(at + 1) };
    });
  }
}

function put(table: Map<string, Map<number, number>>, key: string, queueId: number, offset: number): void {
  let queues = table.get(key);
  if (queues === undefined) table.set(key, (queues = new Map<number, number>()));
  queues.set(queueId, offset);
}
