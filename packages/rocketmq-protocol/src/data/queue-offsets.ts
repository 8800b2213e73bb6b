import type { JsonObject, JsonReader } from '../json/index.ts';
import { messageQueueFromKey, messageQueueKey, type MessageQueue } from './message-queue.ts';

/** A place in a queue. */
export interface QueueOffset {
  queue: MessageQueue;
  offset: number;
}

/** Reads a map from queues to offsets, its keys written as objects or as texts. An absent map reads as empty. */
export function readQueueOffsets(document: JsonReader, name: string): QueueOffset[] {
  if (!document.has(name)) return [];
  return queueOffsetsOf(document.object(name), name);
}

/** The same for a map that was already reached. */
export function queueOffsetsOf(map: JsonReader, name: string): QueueOffset[] {
  return map.keys.map((key) => ({ queue: messageQueueFromKey(key, name), offset: map.integer(key) }));
}

export function queueOffsetsToJson(offsets: readonly QueueOffset[]): JsonObject {
  return Object.fromEntries(offsets.map(({ queue, offset }) => [messageQueueKey(queue), offset]));
}
