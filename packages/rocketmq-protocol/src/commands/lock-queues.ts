import { RequestCode } from '../codes/request-codes.ts';
import { messageQueueFromJson, messageQueueToJson, type MessageQueue } from '../data/message-queue.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody } from './command-codec.ts';
import { decodeQueueLockRequest, encodeQueueLockRequest, type QueueLockRequest } from './queue-lock-data.ts';

export interface LockQueuesResponse {
  /** The locks this client now owns; maybe none, still with code 0. */
  lockedQueues: MessageQueue[];
}

function encode(response: LockQueuesResponse): Buffer {
  return jsonBody({ lockOKMQSet: response.lockedQueues.map(messageQueueToJson) });
}

function decode(body: Buffer): LockQueuesResponse {
  const document = JsonReader.parse(body, 'LOCK_BATCH_MQ response');
  return { lockedQueues: document.objects('lockOKMQSet').map(messageQueueFromJson) };
}

/** Locks queues for one member of a group, for 60 s. */
export const lockQueues = command<QueueLockRequest, LockQueuesResponse>(RequestCode.LOCK_BATCH_MQ, {
  request: bodyOnly({ encode: encodeQueueLockRequest, decode: decodeQueueLockRequest }),
  response: bodyOnly({ encode, decode }),
});
