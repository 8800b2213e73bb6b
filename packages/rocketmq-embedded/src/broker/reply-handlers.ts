import {
  commands,
  createResponse,
  decodeProperties,
  encodeProperties,
  MessageProperty,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import { answerOfError } from '../server/answers.ts';
import type { Connection, RequestHandler } from '../server/index.ts';
import type { BrokerContext } from './context.ts';
import { checkedTopic, decodeLong, decodeShort, randomQueue } from './send-handlers.ts';

/** As long as a real broker gives the client that is to take a reply. */
const PUSH_TIMEOUT_MS = 10_000;

type ReplyRequest = commands.SendMessageRequest;

/** SEND_REPLY_MESSAGE and its second form: a reply goes to the client that waits for it, and into the reply topic. */
export function replyHandlers(broker: BrokerContext): [number, RequestHandler][] {
  const region = { MSG_REGION: broker.settings.regionId, TRACE_ON: 'true' };
  const handler =
    (decode: (request: RemotingCommand) => ReplyRequest): RequestHandler =>
    async (request, connection) => {
      try {
        return await reply(broker, request, decode(request), connection, region);
      } catch (error) {
        const { code, remark, expected } = answerOfError(error);
        if (!expected) broker.logger.error({ err: error }, 'rocketmq reply failed');
        return createResponse(request, code, { remark, extFields: { ...region } });
      }
    };
  return [
    [RequestCode.SEND_REPLY_MESSAGE, handler(decodeLong)],
    [RequestCode.SEND_REPLY_MESSAGE_V2, handler(decodeShort)],
  ];
}

async function reply(
  broker: BrokerContext,
  request: RemotingCommand,
  header: ReplyRequest,
  connection: Connection,
  region: Record<string, string>,
): Promise<RemotingCommand> {
  const topic = checkedTopic(broker, header, connection);
  const queueId = header.queueId >= 0 ? header.queueId : randomQueue(topic);
  const failure = await push(broker, header, connection);
  const stored = broker.store.append(topic.topicName, {
    queueId,
    flag: header.flag,
    sysFlag: header.sysFlag,
    bornTimestamp: header.bornTimestamp,
    bornHost: connection.bornHost,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0,
    body: header.body,
    properties: header.properties ?? '',
  });
  await broker.store.committed();
  broker.stats.put(topic.topicName, 1, stored.sizeBytes);
  const payload = commands.sendReplyMessageV2.encodeResponse({
    msgId: broker.offsetIds([stored.physicalOffset]),
    queueId,
    queueOffset: stored.queueOffset,
    ...region,
  });
  return failure === undefined
    ? createResponse(request, ResponseCode.SUCCESS, payload)
    : createResponse(request, ResponseCode.SYSTEM_ERROR, { ...payload, remark: failure });
}

/** Hands the reply on. Says why that was not possible. */
async function push(
  broker: BrokerContext,
  { body, ...header }: ReplyRequest,
  connection: Connection,
): Promise<string | undefined> {
  const properties = decodeProperties(header.properties ?? '');
  const clientId = properties[MessageProperty.REPLY_TO_CLIENT];
  if (clientId === undefined) return 'reply message properties[REPLY_TO_CLIENT] is null';
  const requester = broker.clients.producer(clientId);
  if (requester === undefined) return `push reply message fail, channel of <${clientId}> not found.`;
  const now = Date.now();
  properties[MessageProperty.PUSH_REPLY_TIME] = String(now);
  const payload = commands.pushReplyMessageToClient.encodeRequest({
    producerGroup: header.producerGroup,
    topic: header.topic,
    defaultTopic: header.defaultTopic,
    defaultTopicQueueNums: header.defaultTopicQueueNums,
    queueId: header.queueId,
    sysFlag: header.sysFlag,
    bornTimestamp: header.bornTimestamp,
    flag: header.flag,
    properties: encodeProperties(properties),
    reconsumeTimes: header.reconsumeTimes,
    unitMode: header.unitMode,
    bornHost: connection.remoteAddress,
    storeHost: `${broker.settings.advertisedIp}:${broker.settings.brokerPort}`,
    storeTimestamp: now,
    body,
  });
  const answer = await requester.ask(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT, payload, PUSH_TIMEOUT_MS);
  return answer?.code === ResponseCode.SUCCESS ? undefined : `push reply message to ${clientId}fail.`;
}
