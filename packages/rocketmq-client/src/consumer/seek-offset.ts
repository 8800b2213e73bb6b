import { commands, type MessageQueue } from '@dt/rocketmq-protocol';
import type { ClientInstance, RequestOptions } from '../client/index.ts';
import { RocketMQError } from '../errors.ts';
import { invalidOption } from '../options.ts';

/** A place in a queue: an offset, its first message, behind its last one, or the first message stored at or after a time. */
export type SeekTarget = number | 'begin' | 'end' | { timestamp: number };

/** @throws RocketMQError `bad-answer` when the broker tells an offset that no queue has. */
export async function seekOffset(
  client: ClientInstance,
  queue: MessageQueue,
  target: SeekTarget,
  options: RequestOptions,
): Promise<number> {
  if (typeof target === 'number' && Number.isSafeInteger(target) && target >= 0) return target;
  const offset = await askedOffset(client, queue, target, options);
  if (offset >= 0) return offset;
  throw new RocketMQError(
    'bad-answer',
    `broker ${queue.brokerName} tells the offset ${offset} of ${queue.topic}`,
    {
      retryable: true,
    },
  );
}

async function askedOffset(
  client: ClientInstance,
  queue: MessageQueue,
  target: SeekTarget,
  options: RequestOptions,
): Promise<number> {
  const { topic, brokerName, queueId } = queue;
  const address = await client.masterOf(topic, brokerName);
  if (target === 'begin')
    return (await client.request(address, commands.getMinOffset, { topic, queueId }, options)).offset;
  if (target === 'end')
    return (await client.request(address, commands.getMaxOffset, { topic, queueId }, options)).offset;
  if (typeof target === 'object' && Number.isSafeInteger(target.timestamp) && target.timestamp >= 0) {
    const request = { topic, queueId, timestamp: target.timestamp };
    return (await client.request(address, commands.searchOffsetByTimestamp, request, options)).offset;
  }
  throw invalidOption(
    'target',
    JSON.stringify(target),
    "expected an offset, 'begin', 'end' or { timestamp: milliseconds }",
  );
}
