import type { MessageQueue } from '@dt/rocketmq-protocol';
import { asRocketMQError } from '../errors.ts';
import { Coalesced } from '../timing/coalesced.ts';
import type { QueueOffsets, StartOffset } from './queue-offsets.ts';

/** How long a request that timed out may lie in a busy broker before it is carried out. */
const DOUBT_MS = 20_000;

/** Tells how far one queue is done, when that changed or what was told is in doubt. */
export class QueueCommits {
  readonly #queue: MessageQueue;
  readonly #offsets: QueueOffsets;
  readonly #doneOffset: () => number;
  readonly #mayCommit: () => boolean;
  readonly #runs = new Coalesced(() => this.#run());
  /** `undefined`: none is stored, so even an offset that has not moved must be told. */
  #committedOffset: number | undefined;
  /** Whether the broker had an offset of this queue before the last commit. */
  #isStored: boolean;
  /** Until then a commit whose answer never came may still overwrite a later one. */
  #doubtUntilMs = 0;

  /** `doneOffset`: everything before it is done. `mayCommit`: whether the queue is still ours. */
  constructor(
    queue: MessageQueue,
    start: StartOffset,
    offsets: QueueOffsets,
    doneOffset: () => number,
    mayCommit: () => boolean = () => true,
  ) {
    this.#queue = queue;
    this.#offsets = offsets;
    this.#doneOffset = doneOffset;
    this.#mayCommit = mayCommit;
    this.#isStored = start.stored;
    this.#committedOffset = start.stored ? start.offset : undefined;
  }

  async commit(): Promise<void> {
    const isKnown = this.#doneOffset() === this.#committedOffset && Date.now() >= this.#doubtUntilMs;
    if (!isKnown) await this.#runs.run();
  }

  /** Tells it, also when nothing changed. */
  tell(): Promise<void> {
    return this.#runs.run();
  }

  async #run(): Promise<void> {
    // The next owner may be further by now.
    if (!this.#mayCommit()) return;
    const offset = this.#doneOffset();
    try {
      await this.#offsets.commit(this.#queue, offset);
    } catch (error) {
      if (asRocketMQError(error).outcome === 'unknown') this.#doubtUntilMs = Date.now() + DOUBT_MS;
      throw error;
    }
    // A broker that gets the first offsets of a group for several queues of a topic at the same time can lose all but
    // one of them, although it answers success: the first one is told twice.
    if (this.#isStored) this.#committedOffset = offset;
    this.#isStored = true;
  }
}
