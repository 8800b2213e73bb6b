import type { JsonObject } from '../json/json-value.ts';
import type { JsonReader } from '../json/read.ts';

/** How often, and when last, a table of a broker changed. */
export interface DataVersion {
  counter: number;
  stateVersion: number;
  /** Milliseconds since 1970. */
  timestamp: number;
}

export function dataVersionToJson({ counter, stateVersion, timestamp }: DataVersion): JsonObject {
  return { counter, stateVersion, timestamp };
}

/** An absent version, or parts of it, read as 0. */
export function dataVersionFromJson(document: JsonReader, name: string): DataVersion {
  if (!document.has(name)) return { counter: 0, stateVersion: 0, timestamp: 0 };
  return dataVersionOf(document.object(name));
}

export function dataVersionOf(reader: JsonReader): DataVersion {
  return {
    counter: reader.integer('counter', 0),
    stateVersion: reader.integer('stateVersion', 0),
    timestamp: reader.integer('timestamp', 0),
  };
}
