/** A message as senders hand it over. */
export interface QueueLogMessage {
  readonly messageKey: string;
  readonly shardingKey: string;
  readonly body: string;
}

export interface QueueLogEntry extends QueueLogMessage {
  readonly queue: number;
  readonly offset: number;
}

/**
 * What a broker is to senders and to one consumer group, in memory: queues that are only appended to, an offset a queue
 * that consumers commit, and queues shared out among the members, anew whenever one comes or goes. It does not know what
 * a consumer has in its hands: the next owner of a queue starts at the committed offset, be the last one through or not.
 */
export class QueueLog {
  readonly #queues: QueueLogEntry[][];
  readonly #committed: number[];
  readonly #resets: number[];
  readonly #members: string[] = [];
  #changed: Promise<void> = Promise.resolve();
  #tellChange: () => void = () => {};

  constructor(queues: number) {
    this.#queues = Array.from({ length: queues }, () => []);
    this.#committed = this.#queues.map(() => 0);
    this.#resets = this.#queues.map(() => 0);
    this.#renewChange();
  }

  get queueCount(): number {
    return this.#queues.length;
  }

  /** Everything stored, queue by queue, in order. */
  get entries(): QueueLogEntry[] {
    return this.#queues.flat();
  }

  /** Every message of the log lies before its queue's committed offset. */
  get consumed(): boolean {
    return this.#queues.every((queue, index) => this.committed(index) >= queue.length);
  }

  /** Resolves at the next change of any kind. */
  get changed(): Promise<void> {
    return this.#changed;
  }

  append({ messageKey, shardingKey, body }: QueueLogMessage): QueueLogEntry {
    let hash = 0;
    for (let i = 0; i < shardingKey.length; i++) hash = (hash * 31 + shardingKey.charCodeAt(i)) >>> 0;
    const index = hash % this.#queues.length;
    const queue = this.#queues[index] as QueueLogEntry[];
    const entry = { messageKey, shardingKey, body, queue: index, offset: queue.length };
    queue.push(entry);
    this.#renewChange();
    return entry;
  }

  join(member: string): void {
    this.#members.push(member);
    this.#members.sort();
    this.#renewChange();
  }

  leave(member: string): void {
    const index = this.#members.indexOf(member);
    if (index >= 0) this.#members.splice(index, 1);
    this.#renewChange();
  }

  ownerOf(queue: number): string | undefined {
    return this.#members[queue % this.#members.length];
  }

  fetch(queue: number, offset: number, most: number): readonly QueueLogEntry[] {
    return this.#queues[queue]?.slice(offset, offset + most) ?? [];
  }

  committed(queue: number): number {
    return this.#committed[queue] ?? 0;
  }

  /** As RocketMQ does it: whoever commits, and be it backwards. */
  commit(queue: number, offset: number): void {
    this.#committed[queue] = offset;
    this.#renewChange();
  }

  /** Grows with every reset of the queue. */
  resetsOf(queue: number): number {
    return this.#resets[queue] ?? 0;
  }

  /** Sets the offset of a queue as an operator does; its owner goes on there. */
  reset(queue: number, offset: number): void {
    this.#resets[queue] = this.resetsOf(queue) + 1;
    this.commit(queue, offset);
  }

  #renewChange(): void {
    this.#tellChange();
    this.#changed = new Promise((resolve) => {
      this.#tellChange = resolve;
    });
  }
}
