import { Gate } from '../timing/gate.ts';

/** How much a pull consumer may hold, over all its queues. */
export class PullBudget {
  /** Opens when something was taken out. */
  readonly room = new Gate();
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #messages = 0;
  #bytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  get isSpent(): boolean {
    return this.#messages >= this.#maxMessages || this.#bytes >= this.#maxBytes;
  }

  /** What a queue holds now in place of what it held. */
  change(messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
    if (messages < 0) this.room.open();
  }
}
