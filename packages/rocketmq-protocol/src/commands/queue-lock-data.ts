import { messageQueueFromJson, messageQueueToJson, type MessageQueue } from '../data/message-queue.ts';
import { JsonReader } from '../json/read.ts';
import { jsonBody } from './command-codec.ts';

export interface QueueLockRequest {
  consumerGroup: string;
  clientId: string;
  queues: MessageQueue[];
}

export function encodeQueueLockRequest(request: QueueLockRequest): Buffer {
  return jsonBody({
    clientId: request.clientId,
    consumerGroup: request.consumerGroup,
    mqSet: request.queues.map(messageQueueToJson),
    onlyThisBroker: false,
  });
}

export function decodeQueueLockRequest(body: Buffer): QueueLockRequest {
  const document = JsonReader.parse(body, 'queue lock request');
  return {
    consumerGroup: document.string('consumerGroup'),
    clientId: document.string('clientId'),
    queues: document.objects('mqSet').map(messageQueueFromJson),
  };
}
