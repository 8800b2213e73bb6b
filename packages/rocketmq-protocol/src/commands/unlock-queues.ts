import { RequestCode } from '../codes/request-codes.ts';
import { bodyOnly, command, nothing, type Nothing } from './command-codec.ts';
import { decodeQueueLockRequest, encodeQueueLockRequest, type QueueLockRequest } from './queue-lock-data.ts';

/** Gives locks of queues back. Those of others stay as they are. */
export const unlockQueues = command<QueueLockRequest, Nothing>(RequestCode.UNLOCK_BATCH_MQ, {
  request: bodyOnly({ encode: encodeQueueLockRequest, decode: decodeQueueLockRequest }),
  response: nothing,
});
