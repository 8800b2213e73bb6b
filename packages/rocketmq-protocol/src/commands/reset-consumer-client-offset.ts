import { RequestCode } from '../codes/request-codes.ts';
import { command, nothing, type Nothing } from './command-codec.ts';
import {
  resetOffsetHeader,
  resetOffsetsBody,
  type ResetOffsetRequest,
  type ResetOffsets,
} from './reset-offset-body.ts';

export type ResetConsumerClientOffsetRequest = ResetOffsetRequest & ResetOffsets;

/** One-way, from the broker to every member of a group: forget what you have of these queues, go on at these offsets. */
export const resetConsumerClientOffset = command<ResetConsumerClientOffsetRequest, Nothing>(
  RequestCode.RESET_CONSUMER_CLIENT_OFFSET,
  {
    request: {
      encode: (request) => ({
        extFields: resetOffsetHeader.encode(request),
        body: resetOffsetsBody.encode(request),
      }),
      decode: ({ extFields, body }) => ({
        ...resetOffsetHeader.decode(extFields),
        ...(body.length === 0 ? { offsets: [] } : resetOffsetsBody.decode(body)),
      }),
    },
    response: nothing,
  },
);
