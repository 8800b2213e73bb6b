import { type PublishableMessage, type Publisher, type PublishOutcome } from '../relay/publisher.ts';
import { requireMethod } from '../options.ts';

/** A message as a RocketMQ producer takes it. */
export interface RocketMQMessage {
  topic: string;
  tag?: string;
  keys: string;
  shardingKey: string;
  body: string;
  properties: Record<string, string>;
}

/** Why a message was not sent. */
export interface RocketMQSendError extends Error {
  /** `message-invalid`: refused before anything was sent. */
  readonly code: string;
  /** Code of the broker's answer, when there was one. */
  readonly responseCode?: number | undefined;
}

export type RocketMQSendOutcome =
  { ok: true; result: { messageId: string; queueOffset: number } } | { ok: false; error: RocketMQSendError };

/**
 * What is used of a producer: `sendBatch` takes messages of any topics and sharding keys, keeps the order of a key, and
 * resolves to one outcome a message, in the same order. Once a message fails for another reason than its own, it must
 * not send later ones of that key and tell the failure for them, too.
 */
export interface RocketMQProducerLike {
  sendBatch(
    messages: readonly RocketMQMessage[],
    options: { signal: AbortSignal },
  ): Promise<readonly RocketMQSendOutcome[]>;
}

/**
 * Publishes outbox rows through a RocketMQ producer: payload as JSON body, the row's key as KEYS, its sharding
 * key choosing the queue, its headers as user properties.
 */
export function rocketmqPublisher(producer: RocketMQProducerLike): Publisher {
  requireMethod('rocketmqPublisher', 'producer', producer, 'sendBatch');
  return {
    async publish(messages, signal) {
      const outcomes = await producer.sendBatch(messages.map(toMessage), { signal });
      const verdicts = outcomes.map(toOutcome);
      // Nothing went through and no message is to blame: an outage, which costs the relay a pause and no row a try.
      const [first] = verdicts;
      if (first?.status === 'retry' && verdicts.every(({ status }) => status === 'retry')) throw first.error;
      return verdicts;
    },
  };
}

function toMessage(row: PublishableMessage): RocketMQMessage {
  return {
    topic: row.topic,
    ...(row.tag === undefined || row.tag === '' ? {} : { tag: row.tag }),
    keys: row.messageKey,
    shardingKey: row.shardingKey,
    body: row.body,
    properties: { ...row.headers },
  };
}

type Verdict =
  Extract<PublishOutcome, { status: 'sent' }> | { status: 'retry' | 'rejected'; error: RocketMQSendError };

function toOutcome(outcome: RocketMQSendOutcome): Verdict {
  if (outcome.ok) {
    const { messageId, queueOffset } = outcome.result;
    return { status: 'sent', messageId, queueOffset };
  }
  return { status: isRefusedForGood(outcome.error) ? 'rejected' : 'retry', error: outcome.error };
}

/** What the broker answers to a message that is too large or otherwise not to be stored. */
const MESSAGE_ILLEGAL = 13;

/**
 * Refused for good is only what this very message can never get past. A broker that is down, full or closed to us
 * (a wrong key, a missing permission) is an outage: the row waits.
 */
function isRefusedForGood({ code, responseCode }: RocketMQSendError): boolean {
  return code === 'message-invalid' || responseCode === MESSAGE_ILLEGAL;
}
