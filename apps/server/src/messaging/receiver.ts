import type { Inbox, ReceivedMessage as IncomingMessage } from '@dt/outbox';
import type { ReceivedMessage } from '@dt/rocketmq-client';

/** The consumer's handler: a batch of one queue, in order, into the inbox in one transaction. */
export function inboxReceiver(inbox: Pick<Inbox, 'receive'>) {
  return async (messages: readonly ReceivedMessage[]): Promise<void> => {
    await inbox.receive(messages.map(toIncoming));
  };
}

function toIncoming(message: ReceivedMessage): IncomingMessage {
  const { topic, tag, keys, shardingKey, body, properties, messageId } = message;
  return { topic, tag, messageKey: keys[0], shardingKey, body, headers: properties, messageId };
}
