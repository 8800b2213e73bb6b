import type { JsonObject } from '../json/json-value.ts';
import { type JsonReader } from '../json/read.ts';
import { Permission } from '../message/sys-flag.ts';

/** A topic as one broker has it. */
export interface TopicConfig {
  topicName: string;
  readQueueNums: number;
  writeQueueNums: number;
  /** Bits of `Permission`. */
  perm: number;
  topicFilterType: string;
  topicSysFlag: number;
  order: boolean;
  attributes: Record<string, string>;
}

/** A topic with the defaults of RocketMQ: 8 queues each way, readable and writable. */
export function topicConfigOf(topicName: string, overrides: Partial<Omit<TopicConfig, 'topicName'>> = {}): TopicConfig {
  return {
    topicName,
    readQueueNums: 8,
    writeQueueNums: 8,
    perm: Permission.READ | Permission.WRITE,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
    ...overrides,
  };
}

export function topicConfigToJson(config: TopicConfig): JsonObject {
  return {
    attributes: config.attributes,
    order: config.order,
    perm: config.perm,
    readQueueNums: config.readQueueNums,
    topicFilterType: config.topicFilterType,
    topicName: config.topicName,
    topicSysFlag: config.topicSysFlag,
    writeQueueNums: config.writeQueueNums,
  };
}

export function topicConfigFromJson(reader: JsonReader): TopicConfig {
  return {
    topicName: reader.string('topicName'),
    readQueueNums: reader.integer('readQueueNums'),
    writeQueueNums: reader.integer('writeQueueNums'),
    perm: reader.integer('perm'),
    topicFilterType: reader.string('topicFilterType', 'SINGLE_TAG'),
    topicSysFlag: reader.integer('topicSysFlag', 0),
    order: reader.boolean('order', false),
    attributes: reader.stringMap('attributes'),
  };
}
