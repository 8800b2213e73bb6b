import {
  isReadable,
  ResponseCode,
  SUBSCRIBE_ALL,
  subscriptionOf,
  type TopicConfig,
} from '@dt/rocketmq-protocol';
import type { MessageFilter } from '../../filter/index.ts';
import { Refusal, withDetails, type Connection } from '../../server/index.ts';
import type { BrokerContext } from '../context.ts';
import { isTagType } from '../filters.ts';

interface Asked {
  topic: string;
  queueId: number;
  consumerGroup: string;
}

/** Checks in the order of a real broker, so that a request with two faults gets the same answer. */
export function checkedForPop(broker: BrokerContext, asked: Asked, connection: Connection): TopicConfig {
  const topic = existingTopic(broker, asked.topic);
  if (!isReadable(topic.perm))
    throw new Refusal(ResponseCode.NO_PERMISSION, `the topic[${asked.topic}] peeking message is forbidden`);
  if (asked.queueId >= topic.readQueueNums)
    throw new Refusal(ResponseCode.SYSTEM_ERROR, illegalQueue(topic, asked.queueId, connection));
  const group = broker.groups.findOrCreate(asked.consumerGroup);
  if (group === undefined) {
    throw new Refusal(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      withDetails(`subscription group [${asked.consumerGroup}] does not exist, `),
    );
  }
  if (!group.consumeEnable) {
    throw new Refusal(ResponseCode.NO_PERMISSION, `subscription group no permission, ${asked.consumerGroup}`);
  }
  return topic;
}

/** What a receipt must be right about, as far as the broker can tell. */
export function checkReceipt(
  broker: BrokerContext,
  receipt: { topic: string; queueId: number; offset: number },
  connection: Connection,
): void {
  const topic = existingTopic(broker, receipt.topic);
  if (receipt.queueId < 0 || receipt.queueId >= topic.readQueueNums)
    throw new Refusal(ResponseCode.MESSAGE_ILLEGAL, illegalQueue(topic, receipt.queueId, connection));
  const min = broker.store.minOffset(receipt.topic, receipt.queueId);
  const max = broker.store.maxOffset(receipt.topic, receipt.queueId);
  if (receipt.offset >= min && receipt.offset <= max) return;
  throw new Refusal(
    ResponseCode.NO_MESSAGE,
    `offset is illegal, key:${receipt.topic}@${receipt.queueId}, commit:${receipt.offset}, store:${min}~${max}`,
  );
}

/** Which messages a pop wants; nothing in it: all of them. */
export interface Selection {
  tagHashes?: ReadonlySet<number>;
  filter?: MessageFilter;
}

export function selectionOf(
  broker: BrokerContext,
  { topic, exp, expType = 'TAG' }: { topic: string; exp?: string | undefined; expType?: string | undefined },
): Selection {
  if (exp === undefined || exp === '') return {};
  if (!isTagType(expType)) {
    // Unlike for pulls a real broker asks for no permission to look into properties.
    const filter = broker.filters.get({ expressionType: expType, subString: exp });
    if (typeof filter === 'string') throw unreadable();
    return { filter };
  }
  try {
    const { subString, codeSet } = subscriptionOf(topic, exp, 0);
    return subString === SUBSCRIBE_ALL ? {} : { tagHashes: new Set(codeSet) };
  } catch {
    throw unreadable();
  }
}

function unreadable(): Refusal {
  return new Refusal(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed");
}

function existingTopic(broker: BrokerContext, name: string): TopicConfig {
  const topic = broker.topics.get(name);
  if (topic !== undefined) return topic;
  throw new Refusal(
    ResponseCode.TOPIC_NOT_EXIST,
    withDetails(`topic[${name}] not exist, apply first please! `),
  );
}

function illegalQueue(topic: TopicConfig, queueId: number, connection: Connection): string {
  return (
    `queueId[${queueId}] is illegal, topic:[${topic.topicName}] ` +
    `topicConfig.readQueueNums:[${topic.readQueueNums}] consumer:[/${connection.remoteAddress}]`
  );
}
