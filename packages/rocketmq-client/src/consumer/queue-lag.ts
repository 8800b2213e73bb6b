import { commands, type MessageQueue } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';

/** How far one queue is behind. */
export interface QueueLag {
  queue: MessageQueue;
  /** Of the next message that will be stored. */
  maxOffset: number;
  /** Of the first message that is not done here; what the broker was told may lie before it. */
  commitOffset: number;
  /** Messages between the two, those of other subscriptions among them. */
  lag: number;
}

/** Asks the queue's broker how far the queue goes. */
export async function queueLag(
  client: ClientInstance,
  queue: MessageQueue,
  commitOffset: number,
): Promise<QueueLag> {
  const { topic, brokerName, queueId } = queue;
  const address = await client.masterOf(topic, brokerName);
  const { offset: maxOffset } = await client.request(address, commands.getMaxOffset, { topic, queueId });
  // A broker that lost its last messages can be behind what was done.
  return { queue, maxOffset, commitOffset, lag: Math.max(0, maxOffset - commitOffset) };
}
