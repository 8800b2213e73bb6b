import {
  commands,
  decodeReceiptHandle,
  POP_ORDER_REVIVE_QUEUE_ID,
  popRealTopic,
  RequestCode,
  ResponseCode,
  type ReceiptHandle,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import { Refusal, success, type Connection, type RequestHandler } from '../../server/index.ts';
import type { BrokerContext } from '../context.ts';
import { checkReceipt } from './pop-checks.ts';

/** What receipts are good for: acknowledging messages, one or many, and changing how long they stay away. */
export function receiptHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [RequestCode.ACK_MESSAGE, (request, connection) => ack(broker, request, connection)],
    [RequestCode.BATCH_ACK_MESSAGE, (request) => batchAck(broker, request)],
    [
      RequestCode.CHANGE_MESSAGE_INVISIBLETIME,
      (request, connection) => changeInvisibleTime(broker, request, connection),
    ],
  ];
}

async function ack(
  broker: BrokerContext,
  request: RemotingCommand,
  connection: Connection,
): Promise<RemotingCommand> {
  const header = commands.ackMessage.decodeRequest(request);
  checkReceipt(broker, header, connection);
  const handle = decodeReceiptHandle(header.extraInfo);
  if (handle.reviveQueueId === POP_ORDER_REVIVE_QUEUE_ID)
    await ackInOrder(broker, { ...header, group: header.consumerGroup }, handle.popTime);
  // A receipt of messages that are done, or were given back, ends nothing and is no fault.
  else await broker.pop.checkpoints.done(idOf(header, handle), [header.offset]);
  return success(request);
}

async function batchAck(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const acks = request.body.length === 0 ? [] : commands.batchAckMessage.decodeRequest(request).acks;
  if (acks.length === 0) throw new Refusal(ResponseCode.NO_MESSAGE, '');
  for (const { consumerGroup: group, retry, startOffset, queueId, popTime, ...each } of acks) {
    const topic = popRealTopic(each.topic, group, retry);
    const offsets = each.offsets.map((offset) => startOffset + offset);
    if (each.reviveQueueId === POP_ORDER_REVIVE_QUEUE_ID) {
      for (const offset of offsets) await ackInOrder(broker, { topic, group, queueId, offset }, popTime);
    } else {
      await broker.pop.checkpoints.done({ group, topic, queueId, startOffset, popTime }, offsets);
    }
  }
  return success(request);
}

interface Place {
  topic: string;
  group: string;
  queueId: number;
  offset: number;
}

function ackInOrder(broker: BrokerContext, place: Place, popTime: number): Promise<void> {
  const { topic, group, queueId, offset } = place;
  return broker.pop.mutex.run(`${topic}@${group}@${queueId}`, async () => {
    const old = broker.offsets.query(group, topic, queueId) ?? -1;
    if (offset < old) return;
    const next = broker.pop.orders.done(topic, group, queueId, offset, popTime);
    if (next === 'stale') return;
    if (next === 'unknown') {
      const remark = `offset is illegal, key:${topic}@${group}@${queueId}, old:${old}, commit:${offset}`;
      throw new Refusal(ResponseCode.MESSAGE_ILLEGAL, remark);
    }
    if (!broker.offsets.hasReset(group, topic, queueId)) broker.offsets.commit(group, topic, queueId, next);
    if (broker.pop.orders.blockedUntil(topic, group, queueId) === undefined)
      broker.pop.wake(topic, group, queueId);
  });
}

async function changeInvisibleTime(
  broker: BrokerContext,
  request: RemotingCommand,
  connection: Connection,
): Promise<RemotingCommand> {
  const header = commands.changeMessageInvisibleTime.decodeRequest(request);
  checkReceipt(broker, header, connection);
  const handle = decodeReceiptHandle(header.extraInfo);
  if (handle.reviveQueueId === POP_ORDER_REVIVE_QUEUE_ID)
    return changeInOrder(broker, request, { ...header, group: header.consumerGroup }, handle.popTime);

  const { checkpoints } = broker.pop;
  const old = idOf(header, handle);
  // A check-point is known by its time: two of the same message must not have the same.
  const popTime = Math.max(Date.now(), handle.popTime + 1);
  const { invisibleTime: invisibleTimeMs, offset } = header;
  const reviveQueueId = checkpoints.get(old)?.reviveQueueId;
  if (reviveQueueId !== undefined && checkpoints.get(old)?.open.has(offset) === true) {
    await checkpoints.add({
      ...{ ...old, startOffset: offset, popTime, invisibleTimeMs, reviveQueueId },
      open: new Set([offset]),
    });
    await checkpoints.done(old, [offset]);
  }
  const { extFields } = commands.changeMessageInvisibleTime.encodeResponse({
    ...{ popTime, invisibleTime: invisibleTimeMs, reviveQid: handle.reviveQueueId },
  });
  return success(request, { extFields });
}

async function changeInOrder(
  broker: BrokerContext,
  request: RemotingCommand,
  place: Place & { invisibleTime: number },
  popTime: number,
): Promise<RemotingCommand> {
  const { topic, group, queueId, offset, invisibleTime } = place;
  // Done before: nothing to change, and nothing to answer.
  if (offset < (broker.offsets.query(group, topic, queueId) ?? -1)) return success(request);
  const visibleAt = Date.now() + invisibleTime;
  broker.pop.orders.changeVisibleAt(topic, group, queueId, offset, popTime, visibleAt);
  // Who waits for the queue learns when it is free now.
  broker.pop.wake(topic, group, queueId);
  const { extFields } = commands.changeMessageInvisibleTime.encodeResponse({
    ...{ popTime, invisibleTime: visibleAt - popTime, reviveQid: POP_ORDER_REVIVE_QUEUE_ID },
  });
  return success(request, { extFields });
}

function idOf(
  { consumerGroup, topic, queueId }: { consumerGroup: string; topic: string; queueId: number },
  { startOffset, popTime }: ReceiptHandle,
): { group: string; topic: string; queueId: number; startOffset: number; popTime: number } {
  return { group: consumerGroup, topic, queueId, startOffset, popTime };
}
