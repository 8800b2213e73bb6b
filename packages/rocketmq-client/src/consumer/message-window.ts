import type { CachedMessage } from './received-message.ts';

/**
 * What was pulled of a queue and is not done yet, in offset order, and from it the two positions: where to pull
 * next, and up to where everything is done.
 */
export class MessageWindow {
  #messages: CachedMessage[] = [];
  #bytes = 0;
  #nextPullOffset: number;
  #epoch = 0;

  constructor(startOffset: number) {
    this.#nextPullOffset = startOffset;
  }

  get nextPullOffset(): number {
    return this.#nextPullOffset;
  }

  /** Everything before it is done, or was not for this group. */
  get commitOffset(): number {
    return this.#messages[0]?.message.queueOffset ?? this.#nextPullOffset;
  }

  /** Of the newest message held. */
  get lastOffset(): number | undefined {
    return this.#messages.at(-1)?.message.queueOffset;
  }

  get count(): number {
    return this.#messages.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Changes with every reset: what was taken out before a reset must not be marked done after it. */
  get epoch(): number {
    return this.#epoch;
  }

  append(messages: readonly CachedMessage[], nextPullOffset: number): void {
    for (const message of messages) {
      this.#messages.push(message);
      this.#bytes += message.sizeBytes;
    }
    this.#nextPullOffset = nextPullOffset;
  }

  /** The first messages; they stay until `done`. */
  head(count: number): CachedMessage[] {
    return this.#messages.slice(0, count);
  }

  /** Removes the first `count` messages, but puts `keep` of them back in front. */
  done(count: number, keep: readonly CachedMessage[] = []): void {
    for (const { sizeBytes } of this.#messages.splice(0, count, ...keep)) this.#bytes -= sizeBytes;
    for (const { sizeBytes } of keep) this.#bytes += sizeBytes;
  }

  /** Forgets everything and goes on at another offset. */
  reset(offset: number): void {
    this.#messages = [];
    this.#bytes = 0;
    this.#nextPullOffset = offset;
    this.#epoch++;
  }
}
