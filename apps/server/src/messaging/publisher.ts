import type { PublishableMessage, PublishOutcome, Publisher } from '@dt/outbox';
import type { Producer, SendError, SendOutcome } from '@dt/rocketmq-client';

/**
 * Publishes outbox rows through a RocketMQ producer: payload as JSON body, the row's key as KEYS, its sharding
 * key choosing the queue, its headers as user properties.
 */
export function rocketmqPublisher(producer: Pick<Producer, 'sendBatch'>): Publisher {
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

function toMessage(row: PublishableMessage) {
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
  Extract<PublishOutcome, { status: 'sent' }> | { status: 'retry' | 'rejected'; error: SendError };

function toOutcome(outcome: SendOutcome): Verdict {
  if (outcome.ok) {
    const { messageId, queueOffset } = outcome.result;
    return { status: 'sent', messageId, queueOffset };
  }
  return { status: isRefusedForGood(outcome.error) ? 'rejected' : 'retry', error: outcome.error };
}

/** What the broker answers to a message that is too large or otherwise not to be stored. */
const messageIllegal = 13;

/**
 * Refused for good is only what this very message can never get past. A broker that is down, full or closed to us
 * (a wrong key, a missing permission) is an outage: the row waits.
 */
function isRefusedForGood({ code, responseCode }: SendError): boolean {
  return code === 'message-invalid' || responseCode === messageIllegal;
}
