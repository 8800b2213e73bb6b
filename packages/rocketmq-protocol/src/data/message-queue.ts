import { ProtocolError } from '../errors.ts';
import { isJsonObject, JsonReader, parseFastjson, type JsonObject, type JsonValue } from '../json/index.ts';

/** One queue of a topic. */
export interface MessageQueue {
  topic: string;
  brokerName: string;
  queueId: number;
}

/** The text that names a queue as a map key: compact, in the order Java sorts it. */
export function messageQueueKey(queue: MessageQueue): string {
  return JSON.stringify(messageQueueToJson(queue));
}

export function messageQueueToJson(queue: MessageQueue): JsonObject {
  return { brokerName: queue.brokerName, queueId: queue.queueId, topic: queue.topic };
}

export function messageQueueFromJson(reader: JsonReader): MessageQueue {
  return { topic: reader.string('topic'), brokerName: reader.string('brokerName'), queueId: reader.integer('queueId') };
}

/** Order of queues that every client of a group must share: topic, brokerName, queueId. */
export function compareMessageQueues(a: MessageQueue, b: MessageQueue): number {
  return compareText(a.topic, b.topic) || compareText(a.brokerName, b.brokerName) || a.queueId - b.queueId;
}

/**
 * Reads a map whose keys are queues, written as objects (`{{…}:value}`) or as texts (`{"{…}":value}`).
 * An absent map reads as empty.
 */
export function readQueueMap<T>(
  document: JsonReader,
  name: string,
  readValue: (value: JsonReader, queue: MessageQueue) => T,
): T[] {
  if (!document.has(name)) return [];
  const map = document.object(name);
  return map.keys.map((key) => {
    const queue = messageQueueFromKey(key, name);
    return readValue(map.object(key), queue);
  });
}

/** A map with queues as keys, in the quoted form: valid JSON that every known peer reads. */
export function queueMapToJson(entries: readonly (readonly [MessageQueue, JsonValue])[]): JsonObject {
  return Object.fromEntries(entries.map(([queue, value]) => [messageQueueKey(queue), value]));
}

/** Reads a map key; `name` tells the map in errors. */
export function messageQueueFromKey(key: string, name: string): MessageQueue {
  const value = parseFastjson(key);
  if (!isJsonObject(value)) throw new ProtocolError('body-malformed', `${name}: a key is not a message queue`);
  return messageQueueFromJson(new JsonReader(value, `${name} key`));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
