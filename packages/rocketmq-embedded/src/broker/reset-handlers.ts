import {
  commands,
  createRequest,
  type QueueOffset,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import { Refusal, success, withObjectKeys, type RequestHandler } from '../server/index.ts';
import type { BrokerContext } from './context.ts';

/** How long a member may take to say how far it is. */
const STATUS_TIMEOUT_MS = 5_000;

type ResetOffsetRequest = commands.ResetOffsetRequest;

/** Sets groups to other offsets, and asks members how far they are. */
export function resetHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [
      RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
      async (request) => {
        const reset = commands.invokeBrokerToResetOffset.decodeRequest(request);
        const offsets = broker.settings.serverSideResetOffset
          ? await resetHere(broker, reset)
          : await resetAtClients(broker, reset);
        const { body } = commands.invokeBrokerToResetOffset.encodeResponse({ offsets });
        return success(request, { body: withObjectKeys(body) });
      },
    ],
    [RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, (request) => consumerStatus(broker, request)],
  ];
}

/** Keeps the new offsets until the next pull of each queue. */
async function resetHere(broker: BrokerContext, reset: ResetOffsetRequest): Promise<QueueOffset[]> {
  const { topic, group, queueId = -1 } = reset;
  const config = broker.topics.get(topic);
  if (config === undefined) throw new Refusal(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} does not exist`);
  if (!broker.groups.has(group))
    throw new Refusal(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${group} does not exist`);
  const queueIds = queueId >= 0 ? [queueId] : Array.from({ length: config.readQueueNums }, (_, id) => id);
  const offsets = await Promise.all(
    queueIds.map(async (id) => ({
      queue: queueOf(broker, topic, id),
      offset: await newOffset(broker, reset, id),
    })),
  );
  for (const { queue, offset } of offsets) broker.offsets.reset(group, topic, queue.queueId, offset);
  // Who waits for messages learns of it now.
  broker.held.wake(topic);
  broker.pop.wake(topic, group);
  return offsets;
}

async function newOffset(broker: BrokerContext, reset: ResetOffsetRequest, queueId: number): Promise<number> {
  const { topic, offset = -1, timestamp } = reset;
  if (offset === -1 || (reset.queueId ?? -1) < 0) return offsetByTime(broker, topic, queueId, timestamp);
  const min = broker.store.minOffset(topic, queueId);
  const max = broker.store.maxOffset(topic, queueId);
  if (offset >= min && offset <= max + 1) return offset;
  throw new Refusal(
    ResponseCode.SYSTEM_ERROR,
    `Target offset ${offset} not in consume queue range [${min}-${max}]`,
  );
}

/** Has the members of the group do it. */
async function resetAtClients(broker: BrokerContext, reset: ResetOffsetRequest): Promise<QueueOffset[]> {
  const { topic, group, timestamp, isForce = false } = reset;
  const config = broker.topics.get(topic);
  if (config === undefined) {
    const remark = `[reset-offset] reset offset failed, no topic in this broker. topic=${topic}`;
    throw new Refusal(ResponseCode.SYSTEM_ERROR, remark);
  }
  const offsets: QueueOffset[] = [];
  for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
    const consumed = broker.offsets.query(group, topic, queueId);
    if (consumed === undefined)
      throw new Refusal(ResponseCode.SYSTEM_ERROR, `THe consumer group <${group}> not exist`);
    const wanted = await offsetByTime(broker, topic, queueId, timestamp);
    const offset = isForce || wanted < consumed ? wanted : consumed;
    offsets.push({ queue: queueOf(broker, topic, queueId), offset });
  }
  const members = broker.clients.consumerGroup(group);
  if (members === undefined) {
    throw new Refusal(
      ResponseCode.CONSUMER_NOT_ONLINE,
      `Consumer not online, so can not reset offset, Group: ${group} Topic: ${topic} Timestamp: ${timestamp}`,
    );
  }
  const { extFields, body } = commands.resetConsumerClientOffset.encodeRequest({
    ...{ topic, group, timestamp, isForce: false },
    offsets,
  });
  for (const connection of members.clients.keys()) {
    connection.send(
      createRequest(
        RequestCode.RESET_CONSUMER_CLIENT_OFFSET,
        { extFields, body: withObjectKeys(body) },
        { opaque: connection.takeOpaque(), oneway: true },
      ),
    );
  }
  return offsets;
}

async function offsetByTime(
  broker: BrokerContext,
  topic: string,
  queueId: number,
  timestamp: number,
): Promise<number> {
  if (timestamp < 0) return broker.store.maxOffset(topic, queueId);
  return broker.store.offsetByTimestamp(topic, queueId, timestamp, 'LOWER');
}

function queueOf(broker: BrokerContext, topic: string, queueId: number): QueueOffset['queue'] {
  return { topic, brokerName: broker.settings.brokerName, queueId };
}

async function consumerStatus(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const { topic, group, clientAddr = '' } = commands.invokeBrokerToGetConsumerStatus.decodeRequest(request);
  const members = broker.clients.consumerGroup(group);
  if (members === undefined)
    throw new Refusal(ResponseCode.SYSTEM_ERROR, `No Any Consumer online in the consumer group: [${group}]`);
  const payload = commands.getConsumerStatusFromClient.encodeRequest({ topic, group, clientAddr: undefined });
  const asked = [...members.clients].filter(
    ([, { clientId }]) => clientAddr === '' || clientAddr === clientId,
  );
  const answers = await Promise.all(
    asked.map(async ([connection, { clientId }]) => {
      const code = RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT;
      const answer = await connection.ask(code, payload, STATUS_TIMEOUT_MS);
      // One that does not answer, or cannot, is left out.
      if (answer?.code !== ResponseCode.SUCCESS || answer.body.length === 0) return [];
      return [{ clientId, offsets: commands.getConsumerStatusFromClient.decodeResponse(answer).offsets }];
    }),
  );
  const { body } = commands.invokeBrokerToGetConsumerStatus.encodeResponse({ clients: answers.flat() });
  return success(request, { body: withObjectKeys(body) });
}
