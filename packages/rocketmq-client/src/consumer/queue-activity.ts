/** What goes on in one queue. Times are milliseconds since 1970. */
export interface HandlerCall {
  since: number;
  messages: number;
  queueOffset: number;
  attempt: number;
}

/** When things last happened in one queue, and what happens in it now. */
export class QueueActivity {
  /** 0: never. */
  lastPullAt = 0;
  /** 0: never. */
  lastHandledAt = 0;
  call: HandlerCall | undefined;

  begins(call: Omit<HandlerCall, 'since'>): void {
    this.lastHandledAt = Date.now();
    this.call = { ...call, since: this.lastHandledAt };
  }

  ended(): void {
    this.call = undefined;
  }

  /** In words, for a human being that asks what the consumer does. */
  describe(isPaused: boolean, heldMessages: number): string {
    const { call } = this;
    const held = `${heldMessages} messages held`;
    if (call !== undefined) {
      const what = `${call.messages} messages from offset ${call.queueOffset}, attempt ${call.attempt}`;
      return `handler runs for ${Date.now() - call.since} ms (${what}), ${held}`;
    }
    if (isPaused) return `paused, ${held}`;
    return heldMessages > 0 ? `waits for its turn or its next try, ${held}` : 'waits for messages';
  }
}
