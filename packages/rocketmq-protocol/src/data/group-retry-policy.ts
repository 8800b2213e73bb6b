import type { JsonObject } from '../json/json-value.ts';
import type { JsonReader } from '../json/read.ts';

/**
 * How long the failed messages of a group wait for their next delivery, in milliseconds. The broker keeps it;
 * RocketMQ's proxy goes by it, pushing and popping clients of the remoting protocol do not.
 */
export interface GroupRetryPolicy {
  type: 'CUSTOMIZED' | 'EXPONENTIAL';
  /** For the type EXPONENTIAL: `initial`, then `multiplier` times as long each time, `max` at most. */
  exponentialRetryPolicy?: { initial: number; max: number; multiplier: number };
  /** For the type CUSTOMIZED: how long after the first failure, the second, and so on. @default the delay levels */
  customizedRetryPolicy?: { next: number[] };
}

/** What Java takes for what a policy leaves out. */
const EXPONENTIAL = { initial: 5_000, max: 7_200_000, multiplier: 2 };
const CUSTOMIZED = [
  ...[1, 5, 10, 30].map((seconds) => seconds * 1_000),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 60, 120].map((minutes) => minutes * 60_000),
];

export function groupRetryPolicyToJson(policy: GroupRetryPolicy): JsonObject {
  const { type, exponentialRetryPolicy, customizedRetryPolicy } = policy;
  return {
    ...(customizedRetryPolicy && { customizedRetryPolicy: { next: customizedRetryPolicy.next } }),
    ...(exponentialRetryPolicy && { exponentialRetryPolicy: { ...exponentialRetryPolicy } }),
    type,
  };
}

/** A type that is not known is read as the one that Java then goes by. */
export function groupRetryPolicyFromJson(reader: JsonReader): GroupRetryPolicy {
  const policy: GroupRetryPolicy = {
    type: reader.string('type', 'CUSTOMIZED').toUpperCase() === 'EXPONENTIAL' ? 'EXPONENTIAL' : 'CUSTOMIZED',
  };
  if (reader.has('exponentialRetryPolicy')) {
    const exponential = reader.object('exponentialRetryPolicy');
    policy.exponentialRetryPolicy = {
      initial: exponential.integer('initial', EXPONENTIAL.initial),
      max: exponential.integer('max', EXPONENTIAL.max),
      multiplier: exponential.integer('multiplier', EXPONENTIAL.multiplier),
    };
  }
  if (reader.has('customizedRetryPolicy')) {
    const customized = reader.object('customizedRetryPolicy');
    policy.customizedRetryPolicy = {
      next: customized.has('next') ? customized.integers('next') : [...CUSTOMIZED],
    };
  }
  return policy;
}
