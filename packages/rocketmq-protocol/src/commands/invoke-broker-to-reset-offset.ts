import { RequestCode } from '../codes/request-codes.ts';
import { bodyOnly, command, headerOnly } from './command-codec.ts';
import {
  resetOffsetHeader,
  resetOffsetsBody,
  type ResetOffsetRequest,
  type ResetOffsets,
} from './reset-offset-body.ts';

/**
 * Sets a group to other offsets on one broker, while its members run or not. A broker of 5.3 keeps the new offsets until
 * the next pull of each queue, which it answers with PULL_OFFSET_MOVED; a broker that leaves it to the clients
 * answers CONSUMER_NOT_ONLINE when there are none.
 */
export const invokeBrokerToResetOffset = command<ResetOffsetRequest, ResetOffsets>(
  RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
  { request: headerOnly(resetOffsetHeader), response: bodyOnly(resetOffsetsBody) },
);
