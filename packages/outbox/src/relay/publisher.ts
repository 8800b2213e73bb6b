/** A row of the outbox on its way to the broker. */
export interface PublishableMessage {
  /** `outbox.id`. */
  readonly id: number;
  readonly topic: string;
  readonly tag: string | undefined;
  readonly messageKey: string;
  readonly shardingKey: string;
  /** The payload's JSON text, as it lies in the row. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

export type PublishOutcome =
  | {
      readonly status: 'sent';
      readonly messageId: string;
      readonly queueOffset?: number | bigint | string | undefined;
    }
  /** Not stored, or nobody knows: sent again later. Everything behind it of its sharding key waits. */
  | { readonly status: 'retry'; readonly error: unknown }
  /** Will never be stored (too large, illegal): the row becomes dead, its sharding key goes on. */
  | { readonly status: 'rejected'; readonly error: unknown };

/**
 * The way to a broker.
 *
 * `publish` resolves to one outcome per message, in the same order. Messages of one sharding key stand in their order
 * and may be several in one call: once one of them is `retry`, the later ones of that key must not be sent any more and
 * are to be reported `retry` too. A rejection of the whole call counts as `retry` of every message: right when the broker
 * cannot be reached, for no row is written then; a failure that is a message's own belongs into its outcome. When `signal`
 * aborts, the call should settle soon; what it then still sends may arrive twice.
 */
export interface Publisher {
  publish(messages: readonly PublishableMessage[], signal: AbortSignal): Promise<readonly PublishOutcome[]>;
}
