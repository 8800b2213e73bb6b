import type { JsonObject } from '../json/json-value.ts';
import type { JsonReader } from '../json/read.ts';
import { queueMapToJson, readQueueMap, type MessageQueue } from './message-queue.ts';

export interface QueueConsumeStats {
  queue: MessageQueue;
  /** Offset behind the last message stored. */
  brokerOffset: number;
  /** Offset the group has committed. */
  consumerOffset: number;
  /** Offset up to which the group has pulled. */
  pullOffset: number;
  /** Store time of the last message consumed, milliseconds since 1970; 0 if there is none. */
  lastTimestamp: number;
}

export interface ConsumeStats {
  consumeTps: number;
  queues: QueueConsumeStats[];
}

export function consumeStatsToJson(stats: ConsumeStats): JsonObject {
  return {
    consumeTps: stats.consumeTps,
    offsetTable: queueMapToJson(
      stats.queues.map(({ queue, brokerOffset, consumerOffset, lastTimestamp, pullOffset }) => [
        queue,
        { brokerOffset, consumerOffset, lastTimestamp, pullOffset },
      ]),
    ),
  };
}

export function consumeStatsFromJson(document: JsonReader): ConsumeStats {
  return {
    consumeTps: document.number('consumeTps', 0),
    queues: readQueueMap(document, 'offsetTable', (value, queue) => ({
      queue,
      brokerOffset: value.integer('brokerOffset'),
      consumerOffset: value.integer('consumerOffset'),
      pullOffset: value.integer('pullOffset', 0),
      lastTimestamp: value.integer('lastTimestamp', 0),
    })),
  };
}
