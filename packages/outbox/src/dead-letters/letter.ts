/** Which of the two tables. */
export type Box = 'outbox' | 'inbox';

/** pending: waits to be sent or applied; done: sent or applied; dead: given up, until somebody replays it. */
export type LetterStatus = 'pending' | 'done' | 'dead';

/** A row of the outbox or the inbox, as operators look at it. */
export interface Letter {
  readonly id: number;
  /** Of the inbox alone. */
  readonly consumerGroup: string | undefined;
  readonly topic: string;
  readonly tag: string | undefined;
  readonly messageKey: string;
  readonly shardingKey: string;
  readonly status: LetterStatus;
  readonly attempts: number;
  /** Of the outbox alone: attempts during which the sending process died. */
  readonly crashes: number;
  readonly lastError: string | undefined;
  /** Given by the broker. */
  readonly messageId: string | undefined;
  readonly queueOffset: string | undefined;
  /** When it was enqueued or received. */
  readonly createdAt: Date;
  /** A pending one is not tried before. */
  readonly nextAttemptAt: Date | undefined;
  /** When it was sent or applied. */
  readonly doneAt: Date | undefined;
  /** Unknown also for a dead one that an older version left. */
  readonly diedAt: Date | undefined;
  /** How often it was replayed. */
  readonly replays: number;
  /** False for what could not be read when it was received: no attempt can change that. */
  readonly replayable: boolean;
  /** Of the outbox alone: later messages of its sharding key wait until it is replayed or skipped. */
  readonly holdsKey: boolean;
}

/** A life that a replay ended. */
export interface PastLife {
  readonly diedAt: Date | undefined;
  readonly attempts: number;
  readonly crashes: number;
  readonly lastError: string | undefined;
  readonly replayedAt: Date;
  readonly replayedBy: string;
}

export interface LetterDetails extends Letter {
  /** JSON text as it lies in the row; undefined when the body was no JSON. */
  readonly payload: string | undefined;
  /** The bytes as they came, where they were no JSON. */
  readonly body: Uint8Array | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Oldest first. */
  readonly pastLives: readonly PastLife[];
}

/** How one letter is named: the outbox by `id`, the inbox by group and key. */
export type LetterName =
  { readonly id: number } | { readonly consumerGroup: string; readonly messageKey: string };
