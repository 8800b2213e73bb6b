import {
  commands,
  createResponse,
  popRetryTopic,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
  type TopicConfig,
} from '@dt/rocketmq-protocol';
import { Refusal, success, type Connection, type RequestHandler } from '../../server/index.ts';
import type { BrokerContext } from '../context.ts';
import { checkedForPop } from './pop-checks.ts';

type NotificationRequest = commands.NotificationRequest;

/** What a group could pop, without popping it. */
export function lookHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [RequestCode.PEEK_MESSAGE, (request, connection) => peek(broker, request, connection)],
    [
      RequestCode.NOTIFICATION,
      (request, connection) =>
        notify(broker, request, commands.notification.decodeRequest(request), connection),
    ],
    [
      RequestCode.POLLING_INFO,
      (request, connection) => {
        const header = commands.pollingInfo.decodeRequest(request);
        checkedForPop(broker, header, connection);
        const pollingNum = broker.pop.held.countOf(header.topic, header.consumerGroup, header.queueId);
        return success(request, commands.pollingInfo.encodeResponse({ pollingNum }));
      },
    ],
  ];
}

async function peek(
  broker: BrokerContext,
  request: RemotingCommand,
  connection: Connection,
): Promise<RemotingCommand> {
  const header = commands.peekMessage.decodeRequest(request);
  const topic = checkedForPop(broker, header, connection);
  if (header.maxMsgNums < 0)
    throw new Refusal(ResponseCode.SYSTEM_ERROR, `maxMsgNums ${header.maxMsgNums} is illegal`);
  const bodies: Buffer[] = [];
  let left = Math.min(header.maxMsgNums, broker.settings.maxPullMessages);
  let bytes = 0;
  let restNum = 0;
  for (const queue of queuesOf(broker, topic, header)) {
    const offset = offsetOf(broker, header.consumerGroup, queue);
    restNum += Math.max(0, broker.store.maxOffset(queue.topic, queue.queueId) - offset);
    if (left <= 0) continue;
    const read = await broker.store.read(queue.topic, queue.queueId, offset, {
      maxCount: left,
      maxBytes: Math.max(1, broker.settings.maxPullBytes - bytes),
      maxScan: left,
    });
    bodies.push(read.body);
    left -= read.count;
    bytes += read.body.length;
  }
  const isFound = bytes > 0;
  const payload = commands.peekMessage.encodeResponse({
    ...{ popTime: 0, invisibleTime: 0, reviveQid: 0, restNum, body: Buffer.concat(bodies) },
  });
  const code = isFound ? ResponseCode.SUCCESS : ResponseCode.PULL_NOT_FOUND;
  return createResponse(request, code, { ...payload, remark: isFound ? 'FOUND' : 'NO_MESSAGE_IN_QUEUE' });
}

async function notify(
  broker: BrokerContext,
  request: RemotingCommand,
  header: NotificationRequest,
  connection: Connection,
): Promise<RemotingCommand | undefined> {
  const topic = checkedForPop(broker, header, connection);
  const { hasMsg, againAt } = hasMessages(broker, topic, header);
  const deadline = header.bornTime + header.pollTime;
  if (!hasMsg && header.pollTime > 0 && Date.now() < deadline) {
    const held = broker.pop.notices.hold({
      ...{ topic: header.topic, group: header.consumerGroup, queueId: header.queueId, deadline, connection },
      ...(againAt !== undefined && { againAt }),
      wants: () => true,
      run: () => connection.answerLater(request, () => notify(broker, request, header, connection)),
    });
    if (held) return undefined;
  }
  return success(request, commands.notification.encodeResponse({ hasMsg }));
}

function hasMessages(
  broker: BrokerContext,
  topic: TopicConfig,
  header: NotificationRequest,
): { hasMsg: boolean; againAt: number | undefined } {
  const { consumerGroup: group, order, attemptId } = header;
  let againAt: number | undefined;
  for (const queue of queuesOf(broker, topic, header)) {
    if (broker.store.maxOffset(queue.topic, queue.queueId) <= offsetOf(broker, group, queue)) continue;
    const until =
      order === true
        ? broker.pop.orders.blockedUntil(queue.topic, group, queue.queueId, attemptId)
        : undefined;
    if (until === undefined) return { hasMsg: true, againAt };
    againAt = Math.min(againAt ?? until, until);
  }
  return { hasMsg: false, againAt };
}

interface Queue {
  topic: string;
  queueId: number;
}

function queuesOf(
  broker: BrokerContext,
  { topicName: topic, readQueueNums }: TopicConfig,
  { consumerGroup, queueId }: { consumerGroup: string; queueId: number },
): Queue[] {
  const retry = popRetryTopic(consumerGroup, topic);
  return [
    ...(queueId >= 0 ? [{ topic, queueId }] : idsUpTo(readQueueNums).map((id) => ({ topic, queueId: id }))),
    ...idsUpTo(broker.topics.get(retry)?.readQueueNums ?? 0).map((id) => ({ topic: retry, queueId: id })),
  ];
}

function idsUpTo(count: number): number[] {
  return Array.from({ length: count }, (_, id) => id);
}

function offsetOf(broker: BrokerContext, group: string, { topic, queueId }: Queue): number {
  const min = broker.store.minOffset(topic, queueId);
  return Math.max(min, broker.offsets.query(group, topic, queueId) ?? min);
}
