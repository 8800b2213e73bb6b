import {
  type CommandPayload,
  commands,
  createResponse,
  decodeOffsetMessageId,
  ProtocolError,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import { Refusal, type Connection, type RequestHandler } from '../server/index.ts';
import type { BrokerContext } from './context.ts';

/** How long a member may take for its answer. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Hands questions of an admin on to the member of a group they are for, and its answer back. */
export function inspectionHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [
      RequestCode.GET_CONSUMER_RUNNING_INFO,
      (request) => {
        const { consumerGroup, clientId } = commands.getConsumerRunningInfo.decodeRequest(request);
        return relay(broker, request, { group: consumerGroup, clientId }, request);
      },
    ],
    [RequestCode.CONSUME_MESSAGE_DIRECTLY, (request) => consumeDirectly(broker, request)],
  ];
}

/** The message comes from here: the admin knows its id only. */
async function consumeDirectly(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const direct = commands.consumeMessageDirectly.decodeRequest(request);
  const { consumerGroup: group, clientId = '', msgId = '', topic = '' } = direct;
  const body = await broker.store.messageAt(physicalOffsetOf(msgId));
  if (body === undefined)
    throw new Refusal(ResponseCode.SYSTEM_ERROR, `can not find message by the id, ${msgId}`);
  const topicSysFlag = broker.topics.get(topic)?.topicSysFlag;
  const groupSysFlag = broker.groups.get(group)?.groupSysFlag;
  const payload = commands.consumeMessageDirectly.encodeRequest({
    ...direct,
    ...{ brokerName: broker.settings.brokerName, topicSysFlag, groupSysFlag, body },
  });
  return relay(broker, request, { group, clientId }, payload);
}

function physicalOffsetOf(msgId: string): number {
  try {
    return decodeOffsetMessageId(msgId).physicalOffset;
  } catch (error) {
    if (error instanceof ProtocolError) throw new Refusal(ResponseCode.SYSTEM_ERROR, error.message);
    throw error;
  }
}

async function relay(
  broker: BrokerContext,
  request: RemotingCommand,
  { group, clientId }: { group: string; clientId: string },
  { extFields, body }: CommandPayload,
): Promise<RemotingCommand> {
  const connection = memberOf(broker, group, clientId);
  if (connection === undefined)
    throw new Refusal(ResponseCode.SYSTEM_ERROR, `The Consumer <${group}> <${clientId}> not online`);
  const answer = await connection.ask(request.code, { extFields, body }, ANSWER_TIMEOUT_MS);
  if (answer !== undefined) {
    const { remark } = answer;
    return createResponse(request, answer.code, {
      ...{ extFields: answer.extFields, body: answer.body },
      ...(remark !== undefined && { remark }),
    });
  }
  if (connection.isClosed) {
    const remark = `invoke consumer <${group}> <${clientId}> Exception: the connection is closed`;
    throw new Refusal(ResponseCode.SYSTEM_ERROR, remark);
  }
  throw new Refusal(
    ResponseCode.CONSUME_MSG_TIMEOUT,
    `consumer <${group}> <${clientId}> Timeout: no answer within ${ANSWER_TIMEOUT_MS} ms`,
  );
}

function memberOf(broker: BrokerContext, group: string, clientId: string): Connection | undefined {
  const clients = broker.clients.consumerGroup(group)?.clients ?? [];
  return [...clients].find(([, client]) => client.clientId === clientId)?.[0];
}
