/** Counts since the relay was made. */
export interface RelayCounters {
  claimed: number;
  batches: number;
  sent: number;
  /** Attempts after which a message is tried again; a failure of a whole batch counts each of its sharding keys. */
  retried: number;
  rejected: number;
  /** Sent, but the row was no longer ours to mark. */
  fenced: number;
  errors: number;
}

export interface RelayStats extends Readonly<RelayCounters> {
  readonly running: boolean;
  readonly lanes: number;
  /** Relays alive at the last renewal, this one included. */
  readonly relays: number;
  /** Sharding keys that wait for the next attempt of their first message, or behind a dead one. */
  readonly heldKeys: number;
  readonly rounds: number;
  /** The publisher failed as a whole and is being probed. */
  readonly outage: boolean;
}

export function newCounters(): RelayCounters {
  return { claimed: 0, batches: 0, sent: 0, retried: 0, rejected: 0, fenced: 0, errors: 0 };
}
