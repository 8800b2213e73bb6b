import { type Queryable } from '../database/database.ts';

/** A message as the broker's client hands it over. */
export interface ReceivedMessage {
  readonly topic: string;
  readonly tag?: string | undefined;
  /** Business key of the sender. Without one the message cannot be deduped: it is kept as dead. */
  readonly messageKey: string | undefined;
  /** @default the message key */
  readonly shardingKey?: string | undefined;
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** When the sender handed it to the broker, by the sender's clock, in ms since 1970. For latencies alone. */
  readonly sentAtMs?: number | undefined;
  /** Id given by the broker: kept, never used to tell messages apart. */
  readonly messageId?: string | undefined;
}

/** A message of the inbox, as handlers see it. */
export interface InboxMessage {
  readonly messageKey: string;
  readonly topic: string;
  readonly tag: string | undefined;
  readonly shardingKey: string;
  /** The body as parsed JSON; its shape is the handler's to check. */
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly messageId: string | undefined;
}

export interface HandlerContext {
  readonly consumerGroup: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborts when the handler has run too long; its transaction is lost then. */
  readonly signal: AbortSignal;
}

/** Applies one message. What it writes through `tx` commits with the inbox row, or not at all. */
export type MessageHandler = (tx: Queryable, message: InboxMessage, context: HandlerContext) => Promise<void>;

/**
 * Applies many messages at once, for set-based effects. Messages of one sharding key stand in their order. When it
 * fails, it is called again with one message at a time.
 */
export interface BatchHandler {
  batch(tx: Queryable, messages: readonly InboxMessage[], context: HandlerContext): Promise<void>;
}

export type Handler = MessageHandler | BatchHandler;

/** Handlers by tag; `'*'` takes the tags that have none, and messages without a tag. */
export type Handlers = Readonly<Record<string, Handler>>;
