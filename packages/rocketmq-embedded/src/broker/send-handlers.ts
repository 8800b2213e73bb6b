import {
  commands,
  createResponse,
  decodeBatchBody,
  decodeProperties,
  deadLetterTopic,
  encodeProperties,
  isRetryTopic,
  isValidName,
  MAX_TOPIC_LENGTH,
  MessageProperty,
  MessageSysFlag,
  RequestCode,
  ResponseCode,
  RETRY_TOPIC_PREFIX,
  Version,
  type RemotingCommand,
  type TopicConfig,
} from '@dt/rocketmq-protocol';
import { answerOfError } from '../server/answers.ts';
import { Refusal, withDetails, type Connection, type RequestHandler } from '../server/index.ts';
import type { Appended, NewMessage } from '../store/index.ts';
import type { BrokerContext } from './context.ts';
import { placeDelayed } from './delay-levels.ts';
import { HALF_TOPIC, isClosedToSend, TIMER_TOPIC } from './system-topics.ts';
import { asHalf, tooManyHalves } from './transactions.ts';

const MAX_PROPERTIES_BYTES = 32_767;
const TRANSACTION_MASK = 0x0c;
const UNIT_TOPIC = 1;
const UNIT_SUBSCRIPTION_TOPIC = 2;
const ENTRY_END = '\u0002';

type SendRequest = commands.SendMessageRequest;

/** SEND_MESSAGE, SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE. */
export function sendHandlers(broker: BrokerContext): [number, RequestHandler][] {
  const region = { MSG_REGION: broker.settings.regionId, TRACE_ON: 'true' };
  const guarded =
    (decode: (request: RemotingCommand) => SendRequest): RequestHandler =>
    async (request, connection) => {
      try {
        return await send(broker, request, decode(request), connection, region);
      } catch (error) {
        const { code, remark, expected } = answerOfError(error);
        if (!expected) broker.logger.error({ err: error }, 'rocketmq send failed');
        return createResponse(request, code, { remark, extFields: { ...region } });
      }
    };
  return [
    [RequestCode.SEND_MESSAGE, guarded(decodeLong)],
    [RequestCode.SEND_MESSAGE_V2, guarded(decodeShort)],
    [RequestCode.SEND_BATCH_MESSAGE, guarded(decodeShort)],
  ];
}

export function decodeShort(request: RemotingCommand): SendRequest {
  return commands.sendMessageV2.decodeRequest(
    request.extFields['a'] === undefined ? withGroup(request, 'a') : request,
  );
}

export function decodeLong(request: RemotingCommand): SendRequest {
  return commands.sendMessage.decodeRequest(
    request.extFields['producerGroup'] === undefined ? withGroup(request, 'producerGroup') : request,
  );
}

/** A real broker does not miss the producer group. */
function withGroup(request: RemotingCommand, name: string): RemotingCommand {
  return { ...request, extFields: { ...request.extFields, [name]: '' } };
}

/** Everything up to the append happens in one go: messages of one connection keep their order. */
function send(
  broker: BrokerContext,
  request: RemotingCommand,
  header: SendRequest,
  connection: Connection,
  region: Record<string, string>,
): Promise<RemotingCommand> {
  if (header.body.length === 0) throw new Refusal(ResponseCode.SYSTEM_ERROR, 'the message body is empty');
  const topic = checkedTopic(broker, header, connection);
  const queueId = header.queueId >= 0 ? header.queueId : randomQueue(topic);
  return header.batch === true
    ? sendBatch(broker, request, header, queueId, connection, region)
    : sendSingle(broker, request, header, queueId, connection, region);
}

export function randomQueue(topic: TopicConfig): number {
  if (topic.writeQueueNums > 0) return Math.floor(Math.random() * topic.writeQueueNums);
  throw new Refusal(ResponseCode.SYSTEM_ERROR, `topic[${topic.topicName}] has no queue to write to`);
}

export function checkedTopic(
  broker: BrokerContext,
  header: SendRequest,
  connection: Connection,
): TopicConfig {
  const { topic } = header;
  checkTopicName(topic);
  if (isClosedToSend(topic)) {
    throw new Refusal(ResponseCode.NO_PERMISSION, `Sending message to topic[${topic}] is forbidden.`);
  }
  const config = broker.topics.get(topic) ?? createTopic(broker, header);
  if (config === undefined) {
    throw new Refusal(
      ResponseCode.TOPIC_NOT_EXIST,
      withDetails(`topic[${topic}] not exist, apply first please!`),
    );
  }
  if (header.queueId >= Math.max(config.writeQueueNums, config.readQueueNums)) {
    throw new Refusal(
      ResponseCode.SYSTEM_ERROR,
      `request queueId[${header.queueId}] is illegal, ${describeTopic(config)} Producer: ${connection.remoteAddress}`,
    );
  }
  return config;
}

/** Throws the refusal a real broker gives for a name it does not take. */
export function checkTopicName(topic: string): void {
  if (topic.trim() === '') throw new Refusal(ResponseCode.SYSTEM_ERROR, 'The specified topic is blank.');
  if (!isValidName(topic, Number.POSITIVE_INFINITY)) {
    throw new Refusal(
      ResponseCode.SYSTEM_ERROR,
      'The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$',
    );
  }
  if (topic.length > MAX_TOPIC_LENGTH) {
    throw new Refusal(ResponseCode.SYSTEM_ERROR, 'The specified topic is longer than topic max length.');
  }
}

function createTopic(broker: BrokerContext, header: SendRequest): TopicConfig | undefined {
  const retry = isRetryTopic(header.topic);
  const sysFlag = header.unitMode !== true ? 0 : retry ? UNIT_SUBSCRIPTION_TOPIC : UNIT_TOPIC;
  const created = broker.topics.createFromTemplate(
    header.topic,
    header.defaultTopic,
    header.defaultTopicQueueNums,
    sysFlag,
  );
  return created ?? (retry ? broker.topics.createForGroup(header.topic, 1, sysFlag) : undefined);
}

function describeTopic(config: TopicConfig): string {
  const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType, topicSysFlag, order } = config;
  const permText = `${(perm & 4) === 0 ? '-' : 'R'}${(perm & 2) === 0 ? '-' : 'W'}${(perm & 1) === 0 ? '-' : 'X'}`;
  return (
    `TopicConfig [topicName=${topicName}, readQueueNums=${readQueueNums}, writeQueueNums=${writeQueueNums}, ` +
    `perm=${permText}, topicFilterType=${topicFilterType}, topicSysFlag=${topicSysFlag}, order=${order}, attributes={}]`
  );
}

async function sendSingle(
  broker: BrokerContext,
  request: RemotingCommand,
  header: SendRequest,
  queueId: number,
  connection: Connection,
  region: Record<string, string>,
): Promise<RemotingCommand> {
  const properties = decodeProperties(header.properties ?? '');
  delete properties[MessageProperty.POP_CK];
  Object.assign(properties, region);
  const uniqueKey = (properties[MessageProperty.UNIQ_KEY] ??= broker.nextUniqueKey());
  const target = retryOrDeadLetter(broker, request, header, queueId, properties);
  properties[MessageProperty.CLUSTER] = broker.settings.clusterName;
  if ((header.sysFlag & MessageSysFlag.INNER_BATCH) !== 0)
    throw new Refusal(
      ResponseCode.MESSAGE_ILLEGAL,
      'the message is illegal: its topic keeps no batches as one',
    );
  const half = isHalf(header, properties);
  if (half && broker.transactions.isFull) throw tooManyHalves();
  const sysFlag = half ? asHalf(target.topic, target.queueId, header.sysFlag, properties) : header.sysFlag;
  const dueMs = half ? undefined : broker.timers.schedule(target.topic, target.queueId, properties);
  const place = placeDelayed(broker.delays.maxLevel, target.topic, target.queueId, properties);
  const text = encodeProperties(properties);
  checkSizes(broker, header.body.length, text);
  const message: NewMessage = {
    queueId: place.queueId,
    flag: header.flag,
    sysFlag,
    bornTimestamp: header.bornTimestamp,
    bornHost: connection.bornHost,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0,
    body: header.body,
    properties: text,
  };
  const appended = await (half
    ? broker.transactions.prepare(message)
    : dueMs !== undefined
      ? broker.timers.add(message, {
          ...{ topic: target.topic, dueMs },
          takesBack: properties[MessageProperty.TIMER_DEL_UNIQKEY] !== undefined,
        })
      : append(broker, place.topic, message));
  broker.stats.put(
    half ? HALF_TOPIC : dueMs !== undefined ? TIMER_TOPIC : place.topic,
    1,
    appended.sizeBytes,
  );
  return stored(broker, request, region, queueId, [appended], uniqueKey);
}

/** A message a consumer sends to its group's retry topic goes to the dead letter topic when it has had its tries. */
function retryOrDeadLetter(
  broker: BrokerContext,
  request: RemotingCommand,
  header: SendRequest,
  queueId: number,
  properties: Record<string, string>,
): { topic: string; queueId: number } {
  if (!isRetryTopic(header.topic)) return { topic: header.topic, queueId };
  const group = header.topic.slice(RETRY_TOPIC_PREFIX.length);
  const config = broker.groups.findOrCreate(group);
  if (config === undefined) {
    throw new Refusal(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      withDetails(`subscription group not exist, ${group} `),
    );
  }
  const max =
    request.version >= Version.V3_4_9
      ? (header.maxReconsumeTimes ?? config.retryMaxTimes)
      : config.retryMaxTimes;
  // A group that holds queue locks consumes in order: its clients have done the tries themselves.
  if ((header.reconsumeTimes ?? 0) <= max && !broker.locks.hasLive(group))
    return { topic: header.topic, queueId };
  properties[MessageProperty.DELAY] = '-1';
  const topic = deadLetterTopic(group);
  broker.topics.createOwn(topic, 1);
  return { topic, queueId: 0 };
}

async function append(broker: BrokerContext, topic: string, message: NewMessage): Promise<Appended> {
  const appended = broker.store.append(topic, message);
  await broker.store.committed();
  return appended;
}

/** The property decides, not the flag. A message that comes again through its retry topic has ended long ago. */
function isHalf(header: SendRequest, properties: Record<string, string>): boolean {
  if (properties[MessageProperty.TRANSACTION_PREPARED]?.toLowerCase() !== 'true') return false;
  return !((header.reconsumeTimes ?? 0) > 0 && Number(properties[MessageProperty.DELAY] ?? 0) > 0);
}

function checkSizes(broker: BrokerContext, bodyBytes: number, properties: string): void {
  const { maxMessageBytes } = broker.settings;
  const tooLong =
    properties.length * 3 > MAX_PROPERTIES_BYTES && Buffer.byteLength(properties) > MAX_PROPERTIES_BYTES;
  if (bodyBytes <= maxMessageBytes && !tooLong) return;
  throw new Refusal(
    ResponseCode.MESSAGE_ILLEGAL,
    'the message is illegal, maybe msg body or properties length not matched. ' +
      `msg body length limit ${maxMessageBytes}B, msg properties length limit 32KB.`,
  );
}

/** All messages of a batch or none: they are checked before the first is appended. */
async function sendBatch(
  broker: BrokerContext,
  request: RemotingCommand,
  header: SendRequest,
  queueId: number,
  connection: Connection,
  region: Record<string, string>,
): Promise<RemotingCommand> {
  const { topic } = header;
  if (isRetryTopic(topic)) {
    throw new Refusal(ResponseCode.MESSAGE_ILLEGAL, `batch request does not support retry group ${topic}`);
  }
  const shared = decodeProperties(header.properties ?? '');
  delete shared[MessageProperty.POP_CK];
  Object.assign(shared, region);
  shared[MessageProperty.CLUSTER] = broker.settings.clusterName;
  if (Number(shared[MessageProperty.DELAY] ?? 0) > 0 || (header.sysFlag & TRANSACTION_MASK) !== 0) {
    checkSizes(broker, Number.POSITIVE_INFINITY, '');
  }
  if (header.body.length > broker.settings.maxMessageBytes) {
    throw new Refusal(ResponseCode.SYSTEM_ERROR, 'java.lang.RuntimeException: message body size exceeded');
  }
  const suffix = encodeProperties(shared);
  const messages = decodeBatchBody(header.body).map(({ flag, body, propertiesText }) => {
    const separator = propertiesText === '' || propertiesText.endsWith(ENTRY_END) ? '' : ENTRY_END;
    const properties = propertiesText + separator + suffix;
    checkSizes(broker, body.length, properties);
    return { flag, body, properties };
  });
  if (messages.length === 0) throw new Refusal(ResponseCode.SYSTEM_ERROR, 'the batch holds no message');
  const appended = messages.map(({ flag, body, properties }) =>
    broker.store.append(topic, {
      queueId,
      flag,
      sysFlag: header.sysFlag,
      bornTimestamp: header.bornTimestamp,
      bornHost: connection.bornHost,
      reconsumeTimes: header.reconsumeTimes ?? 0,
      preparedTransactionOffset: 0,
      body,
      properties,
    }),
  );
  await broker.store.committed();
  const sizeBytes = appended.reduce((sum, each) => sum + each.sizeBytes, 0);
  broker.stats.put(topic, messages.length, sizeBytes);
  return stored(broker, request, region, queueId, appended, shared[MessageProperty.UNIQ_KEY]);
}

function stored(
  broker: BrokerContext,
  request: RemotingCommand,
  region: Record<string, string>,
  queueId: number,
  appended: readonly Appended[],
  transactionId: string | undefined,
): RemotingCommand {
  const payload = commands.sendMessage.encodeResponse({
    msgId: broker.offsetIds(appended.map(({ physicalOffset }) => physicalOffset)),
    queueId,
    queueOffset: appended[0]?.queueOffset ?? 0,
    transactionId,
    ...region,
  });
  return createResponse(request, ResponseCode.SUCCESS, payload);
}
