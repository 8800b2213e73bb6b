import type { JsonObject } from '../json/json-value.ts';
import type { JsonReader } from '../json/read.ts';

/** Which queues of a static topic one broker has: such a topic counts its queues over all brokers. */
export interface TopicQueueMapping {
  topic: string;
  /** `__global__` unless tools say otherwise. */
  scope: string;
  /** On all brokers together. */
  totalQueues: number;
  brokerName: string;
  /** Grows with every change; a smaller one is old news. */
  epoch: number;
  dirty: boolean;
  /** Queue of this broker by queue of the topic. */
  queues: Record<string, number>;
}

export function queueMappingToJson(mapping: TopicQueueMapping): JsonObject {
  return {
    bname: mapping.brokerName,
    currIdMap: mapping.queues,
    dirty: mapping.dirty,
    epoch: mapping.epoch,
    scope: mapping.scope,
    topic: mapping.topic,
    totalQueues: mapping.totalQueues,
  };
}

export function queueMappingFromJson(reader: JsonReader): TopicQueueMapping {
  return {
    topic: reader.string('topic'),
    scope: reader.string('scope', '__global__'),
    totalQueues: reader.integer('totalQueues'),
    brokerName: reader.string('bname'),
    epoch: reader.integer('epoch'),
    dirty: reader.boolean('dirty', false),
    queues: reader.integerMap('currIdMap'),
  };
}
