/**
 * Who got which message how often, for numbered messages, in arrays that are there from the beginning: the books must
 * not grow while memory is measured.
 */
export class Deliveries {
  readonly #sent: Uint8Array;
  readonly #times: Uint8Array;
  /** In which hand a message was when it came first. */
  readonly #hands: Uint32Array;
  /** By queue: how often it changed hands, and who has it. */
  readonly #queues: { hand: number; member: number }[];
  #next = 0;
  #unknown = 0;
  #doubled = 0;
  #doubledWithoutCause = 0;

  constructor(maxMessages: number, queues: number) {
    this.#sent = new Uint8Array(maxMessages);
    this.#times = new Uint8Array(maxMessages);
    this.#hands = new Uint32Array(maxMessages);
    this.#queues = Array.from({ length: queues }, () => ({ hand: 0, member: 0 }));
  }

  get next(): number {
    return this.#next;
  }

  /** The number of a message that is about to be sent. */
  sending(): number {
    return this.#next++;
  }

  /** The broker has acknowledged it. */
  sent(number: number): void {
    this.#sent[number] = 1;
  }

  received(number: number, queueId: number, member: number): void {
    const queue = this.#queues[queueId];
    const times = this.#times[number];
    if (queue === undefined || times === undefined) {
      this.#unknown++;
      return;
    }
    if (queue.member !== member) {
      queue.member = member;
      queue.hand++;
    }
    if (times === 0) {
      this.#hands[number] = queue.hand;
    } else {
      this.#doubled++;
      // It came before, and nobody else had the queue since.
      if (this.#hands[number] === queue.hand) this.#doubledWithoutCause++;
    }
    this.#times[number] = Math.min(255, times + 1);
  }

  /** Acknowledged, and not delivered. */
  missing(): number {
    let missing = 0;
    for (let number = 0; number < this.#next; number++)
      if (this.#sent[number] === 1 && this.#times[number] === 0) missing++;
    return missing;
  }

  report() {
    const sent = this.#sent.reduce((sum, one) => sum + one, 0);
    return {
      sent,
      notAcknowledged: this.#next - sent,
      missing: this.missing(),
      unknown: this.#unknown,
      doubled: this.#doubled,
      doubledWithoutCause: this.#doubledWithoutCause,
      handovers: this.#queues.reduce((sum, { hand }) => sum + hand, 0),
    };
  }
}
