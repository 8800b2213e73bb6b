import { commands, isRetryTopic, type MessageQueue } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import type { StartFrom } from './options.ts';

/** Where a queue starts of which no offset is stored. */
export async function initialOffset(
  client: ClientInstance,
  queue: MessageQueue,
  from: StartFrom,
): Promise<number> {
  const { topic, queueId } = queue;
  if (from === 'first') return 0;
  // What came back for retry before the group ever consumed would otherwise be lost.
  if (from === 'last' && isRetryTopic(topic)) return 0;
  const address = await client.masterOf(topic, queue.brokerName);
  if (from === 'last' || isRetryTopic(topic)) {
    return notBelowZero(await client.request(address, commands.getMaxOffset, { topic, queueId }));
  }
  const request = { topic, queueId, timestamp: from.timestamp };
  return notBelowZero(await client.request(address, commands.searchOffsetByTimestamp, request));
}

/** No queue has such an offset; the broker means that there is nothing yet. */
function notBelowZero({ offset }: { offset: number }): number {
  return Math.max(0, offset);
}
