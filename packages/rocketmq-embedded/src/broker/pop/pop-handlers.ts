import {
  popRetryTopic,
  commands,
  createResponse,
  encodeMessageOffsets,
  encodeOrderCounts,
  encodeStartOffsets,
  MAX_POP_MESSAGES,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import { Refusal, type Connection, type RequestHandler } from '../../server/index.ts';
import type { BrokerContext } from '../context.ts';
import { checkedForPop, selectionOf } from './pop-checks.ts';
import { PopReader, type PopRequest, type PopResult } from './pop-reader.ts';

/** A request that is later than this behind its own time is not looked at: its client has given up. */
const TOO_LATE_MS = 500;
const NOTHING: PopResult = {
  ...{ popTime: 0, reviveQueueId: 0, bodies: [], startOffsets: [], messageOffsets: [], orderCounts: [] },
  ...{ count: 0, bytes: 0, rest: 0 },
};

/** POP_MESSAGE: messages that nobody else of the group gets for a time. */
export function popHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [
      RequestCode.POP_MESSAGE,
      (request, connection) => {
        const header = commands.popMessage.decodeRequest(request);
        // As a real broker takes a client that says nothing of its clock.
        if (header.bornTime === 0) header.bornTime = Date.now();
        const late = tooLate(broker, request, header);
        return late ?? pop(broker, request, header, connection);
      },
    ],
  ];
}

function tooLate(
  broker: BrokerContext,
  request: RemotingCommand,
  header: PopRequest,
): RemotingCommand | undefined {
  if (Date.now() - header.bornTime - header.pollTime <= TOO_LATE_MS) return undefined;
  const remark = `the broker[${broker.settings.advertisedIp}] pop message is timeout too much`;
  return answer(request, { ...header, invisibleTime: 0 }, NOTHING, ResponseCode.POLLING_TIMEOUT, remark);
}

async function pop(
  broker: BrokerContext,
  request: RemotingCommand,
  header: PopRequest,
  connection: Connection,
): Promise<RemotingCommand | undefined> {
  if (header.maxMsgNums > MAX_POP_MESSAGES || header.maxMsgNums < 0) {
    const rule = header.maxMsgNums < 0 ? 'less than 0' : `greater than ${MAX_POP_MESSAGES}`;
    throw new Refusal(
      ResponseCode.SYSTEM_ERROR,
      `the broker[${broker.settings.advertisedIp}] pop message's num is ${rule}`,
    );
  }
  checkTimes(header);
  const topic = checkedForPop(broker, header, connection);
  const selection = selectionOf(broker, header);
  if (header.maxMsgNums === 0)
    return answer(request, header, NOTHING, ResponseCode.POLLING_TIMEOUT, 'NO_MESSAGE_IN_QUEUE');
  if (broker.pop.checkpoints.isFull && header.order !== true) {
    throw new Refusal(
      ResponseCode.SYSTEM_BUSY,
      `[PC_SYNCHRONIZED]broker busy, ${broker.pop.checkpoints.count} pops wait for their receipts`,
    );
  }

  // What is not acknowledged comes again through a topic of its own.
  if (header.order !== true && !broker.topics.has(popRetryTopic(header.consumerGroup, header.topic)))
    broker.topics.checkRoom();
  const reader = new PopReader(broker, header, topic, selection, () => connection.isClosed);
  for (;;) {
    const result = await reader.pop();
    if (result.count > 0) {
      broker.stats.got(header.topic, header.consumerGroup, result.count, result.bytes);
      if (result.rest > 0) broker.pop.held.wakeFirst(header.topic, header.consumerGroup, header.queueId);
      return answer(request, header, result, ResponseCode.SUCCESS, 'FOUND');
    }
    const deadline = header.bornTime + header.pollTime;
    const { hasMessages, heldUntil } = reader.state();
    const isOver = header.pollTime <= 0 || Date.now() >= deadline || connection.isClosed;
    // What came between the read and here wakes nobody: it is read at once, or refused where the topic is gone.
    if (!broker.topics.has(header.topic)) return pop(broker, request, header, connection);
    if (!isOver && hasMessages) continue;
    const held =
      !isOver &&
      broker.pop.held.hold({
        ...{ topic: header.topic, group: header.consumerGroup, queueId: header.queueId },
        ...{ deadline, connection, ...(heldUntil !== undefined && { againAt: heldUntil }) },
        wants: (tagHash) => selection.tagHashes?.has(tagHash) ?? true,
        run: () => connection.answerLater(request, () => pop(broker, request, header, connection)),
      });
    if (held) return undefined;
    const code = isOver ? ResponseCode.POLLING_TIMEOUT : ResponseCode.POLLING_FULL;
    return answer(request, header, result, code, 'NO_MESSAGE_IN_QUEUE');
  }
}

/** Times a broker could not reckon with. */
function checkTimes({ invisibleTime, pollTime, bornTime }: PopRequest): void {
  for (const [name, value] of Object.entries({ invisibleTime, pollTime, bornTime })) {
    if (Math.abs(value) <= MAX_TIME) continue;
    throw new Refusal(
      ResponseCode.SYSTEM_ERROR,
      `${name} ${value} is illegal, allowed are -${MAX_TIME} to ${MAX_TIME}`,
    );
  }
}

/** Far beyond any clock, and sums of two of them are still exact. */
const MAX_TIME = 2 ** 52;

function answer(
  request: RemotingCommand,
  header: PopRequest,
  result: PopResult,
  code: number,
  remark: string,
): RemotingCommand {
  const payload = commands.popMessage.encodeResponse({
    popTime: result.popTime,
    invisibleTime: header.invisibleTime,
    reviveQid: result.reviveQueueId,
    restNum: result.rest,
    startOffsetInfo: encodeStartOffsets(result.startOffsets),
    msgOffsetInfo: encodeMessageOffsets(result.messageOffsets),
    ...(header.order === true && { orderCountInfo: encodeOrderCounts(result.orderCounts) }),
    body: Buffer.concat(result.bodies),
  });
  return createResponse(request, code, { ...payload, remark });
}
