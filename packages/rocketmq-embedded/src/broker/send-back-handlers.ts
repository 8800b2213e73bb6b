import {
  commands,
  deadLetterTopic,
  decodeStoredMessage,
  encodeOffsetMessageId,
  encodeProperties,
  isWritable,
  MessageProperty,
  RequestCode,
  ResponseCode,
  retryTopic,
  Version,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import { Refusal, success, withDetails, type RequestHandler } from '../server/index.ts';
import type { BrokerContext } from './context.ts';
import { copyOf, placeDelayed } from './delay-levels.ts';

/** Delay level of a first retry; each further one takes the next level. */
const FIRST_RETRY_LEVEL = 3;

/** CONSUMER_SEND_MSG_BACK: a failed message comes again through the retry topic, or goes to the dead letter topic. */
export function sendBackHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [[RequestCode.CONSUMER_SEND_MSG_BACK, (request) => sendBack(broker, request)]];
}

async function sendBack(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const header = commands.consumerSendMessageBack.decodeRequest(request);
  const group = broker.groups.findOrCreate(header.group);
  if (group === undefined) {
    throw new Refusal(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      withDetails(`subscription group not exist, ${header.group} `),
    );
  }
  if (group.retryQueueNums <= 0) return success(request);
  const retry = retryTopic(header.group);
  const config = broker.topics.createForGroup(retry, group.retryQueueNums, header.unitMode === true ? 2 : 0);
  if (!isWritable(config.perm)) {
    throw new Refusal(ResponseCode.NO_PERMISSION, `the topic[${retry}] sending message is forbidden`);
  }
  const stored = await broker.store.messageAt(header.offset);
  if (stored === undefined) {
    throw new Refusal(ResponseCode.SYSTEM_ERROR, `look message by offset failed, ${header.offset}`);
  }
  const message = decodeStoredMessage(stored);
  const { properties } = message;
  const origin = (properties[MessageProperty.RETRY_TOPIC] ??= message.topic);
  properties[MessageProperty.WAIT] = 'false';
  properties[MessageProperty.ORIGIN_MESSAGE_ID] ??= encodeOffsetMessageId({
    storeHost: message.storeHost,
    physicalOffset: message.physicalOffset,
  });

  const max =
    request.version >= Version.V3_4_9
      ? (header.maxReconsumeTimes ?? group.retryMaxTimes)
      : group.retryMaxTimes;
  let target = { topic: retry, queueId: Math.floor(Math.random() * group.retryQueueNums) };
  if (message.reconsumeTimes >= max || header.delayLevel < 0) {
    target = { topic: deadLetterTopic(header.group), queueId: 0 };
    broker.topics.createOwn(target.topic, 1);
    properties[MessageProperty.DELAY] = '0';
  } else {
    const level = header.delayLevel === 0 ? FIRST_RETRY_LEVEL + message.reconsumeTimes : header.delayLevel;
    properties[MessageProperty.DELAY] = String(level);
    target = placeDelayed(broker.delays.maxLevel, target.topic, target.queueId, properties);
  }
  const appended = broker.store.append(
    target.topic,
    copyOf(message, target.queueId, encodeProperties(properties), message.reconsumeTimes + 1),
  );
  await broker.store.committed();
  broker.stats.put(target.topic, 1, appended.sizeBytes);
  broker.stats.sentBack(origin, header.group);
  return success(request);
}
