import {
  AUTO_CREATE_TOPIC,
  commands,
  encodeProperties,
  MessageProperty,
  replyTopic,
} from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { beforeSending, SendError } from '../errors.ts';
import { compressBody, MAX_BODY_BYTES } from './message.ts';
import type { CheckedProducerOptions } from './options.ts';
import type { CallLimits } from './producer-base.ts';

/** What a reply needs to know of the message it answers: any received message has it. */
export interface RequestMessage {
  properties: Readonly<Record<string, string>>;
  queue: { brokerName: string };
}

/** Sends a reply through the broker that gave out the request: there its producer is known. */
export async function sendReply(
  client: ClientInstance,
  { group, compressFromBytes }: Pick<CheckedProducerOptions, 'group' | 'compressFromBytes'>,
  request: RequestMessage,
  given: Buffer | string,
  limits: CallLimits,
): Promise<void> {
  const { CLUSTER, CORRELATION_ID, REPLY_TO_CLIENT, TTL } = MessageProperty;
  const cluster = request.properties[CLUSTER];
  const correlationId = request.properties[CORRELATION_ID];
  const replyTo = request.properties[REPLY_TO_CLIENT];
  if (cluster === undefined || correlationId === undefined || replyTo === undefined)
    throw new SendError('message-invalid', 'the message waits for no reply: it was not sent with request()');
  const bytes = typeof given === 'string' ? Buffer.from(given) : given;
  if (!Buffer.isBuffer(bytes)) throw new SendError('message-invalid', 'body is neither a Buffer nor a text');
  if (bytes.length > MAX_BODY_BYTES)
    throw new SendError('message-invalid', `body of ${bytes.length} bytes, allowed are ${MAX_BODY_BYTES}`);
  const { body, sysFlag } = await compressBody(bytes, compressFromBytes);
  const topic = replyTopic(cluster);
  const address = await beforeSending(client.masterOf(topic, request.queue.brokerName));
  const message = {
    producerGroup: group,
    topic,
    defaultTopic: AUTO_CREATE_TOPIC,
    defaultTopicQueueNums: 1,
    queueId: 0,
    sysFlag,
    bornTimestamp: Date.now(),
    flag: 0,
    properties: encodeProperties({
      [MessageProperty.MSG_TYPE]: 'reply',
      [CORRELATION_ID]: correlationId,
      [REPLY_TO_CLIENT]: replyTo,
      [TTL]: request.properties[TTL],
    }),
    reconsumeTimes: 0,
    unitMode: false,
    batch: false,
    brokerName: request.queue.brokerName,
    body,
  };
  await client.request(address, commands.sendReplyMessageV2, message, limits);
}
