import { type Inbox } from '../inbox/inbox.ts';
import { type ReceivedMessage } from '../inbox/message.ts';

/** What is used of a message that a RocketMQ consumer hands over. */
export interface RocketMQReceivedMessage {
  readonly topic: string;
  readonly tag?: string | undefined;
  /** The first is the business key. */
  readonly keys: readonly string[];
  readonly shardingKey?: string | undefined;
  readonly properties: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly messageId: string;
  /** When the producer sent it, by its clock. */
  readonly bornTimestamp?: number | undefined;
}

/** Properties that RocketMQ writes itself: the row has them in columns of its own, or they say nothing of the message. */
const OWN_PROPERTIES: ReadonlySet<string> = new Set([
  'TAGS',
  'KEYS',
  '__SHARDINGKEY',
  'UNIQ_KEY',
  'WAIT',
  'MSG_REGION',
  'TRACE_ON',
  'CLUSTER',
]);

/**
 * A RocketMQ consumer's handler: a batch of one queue, in order, into the inbox in one transaction. It rejects when
 * the database fails; the consumer must then hand over the same batch again before anything that follows in the queue.
 */
export function rocketmqReceiver(
  inbox: Pick<Inbox, 'receive'>,
): (messages: readonly RocketMQReceivedMessage[]) => Promise<void> {
  return async (messages) => {
    await inbox.receive(messages.map(toReceived));
  };
}

function toReceived(message: RocketMQReceivedMessage): ReceivedMessage {
  const { topic, tag, keys, shardingKey, body, properties, messageId, bornTimestamp } = message;
  return {
    topic,
    tag,
    messageKey: keys[0],
    shardingKey,
    body,
    headers: headersOf(properties),
    messageId,
    sentAtMs: bornTimestamp,
  };
}

function headersOf(properties: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of Object.keys(properties)) {
    const value = properties[name];
    if (value !== undefined && !OWN_PROPERTIES.has(name)) headers[name] = value;
  }
  return headers;
}
