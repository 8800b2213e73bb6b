import { queueOffsetsToJson, readQueueOffsets, type QueueOffset } from '../data/queue-offsets.ts';
import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { jsonBody } from './command-codec.ts';

/** What a reset asks for; the same from an admin to a broker and from a broker to its clients. */
export const resetOffsetHeader = header('reset of offsets', {
  topic: text(),
  group: text(),
  /** -1 or absent: all queues. */
  queueId: optional(int32()),
  /** Only with a queue; -1 or absent: by time. */
  offset: optional(int64()),
  /** Milliseconds since 1970; negative: behind the last message. */
  timestamp: int64(),
  /** Whether a group may also be set forward. A broker with resets of its own side does not ask. */
  isForce: optional(boolean()),
});

export type ResetOffsetRequest = ReturnType<typeof resetOffsetHeader.decode>;

/** Queues and their new offsets. */
export interface ResetOffsets {
  offsets: QueueOffset[];
}

export const resetOffsetsBody = {
  encode: ({ offsets }: ResetOffsets): Buffer => jsonBody({ offsetTable: queueOffsetsToJson(offsets) }),
  decode: (body: Buffer): ResetOffsets => ({
    offsets: readQueueOffsets(JsonReader.parse(body, 'ResetOffsetBody'), 'offsetTable'),
  }),
};
