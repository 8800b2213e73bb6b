import { ProtocolError } from '../errors.ts';
import type { JsonObject } from '../json/json-value.ts';
import type { JsonReader } from '../json/read.ts';
import { javaStringHashCode } from '../message/java-string-hash.ts';

/** What a consumer group wants of one topic. */
export interface SubscriptionData {
  topic: string;
  /** `*` or `TagA || TagB`; with expression type SQL92 a condition. */
  subString: string;
  tagsSet: string[];
  /** `javaStringHashCode` of each tag: brokers filter by it. */
  codeSet: number[];
  /** Milliseconds since 1970, grows with every change. */
  subVersion: number;
  expressionType: string;
  classFilterMode: boolean;
}

export const SUBSCRIBE_ALL = '*';

/** Subscription of a tag expression. Throws `field-invalid` when it names no tag. */
export function subscriptionOf(topic: string, expression: string, subVersion: number): SubscriptionData {
  const base = { topic, subVersion, expressionType: 'TAG', classFilterMode: false };
  const trimmed = expression.trim();
  if (trimmed === '' || trimmed === SUBSCRIBE_ALL) return { ...base, subString: SUBSCRIBE_ALL, tagsSet: [], codeSet: [] };
  const tags = new Set(
    trimmed
      .split('||')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
  );
  if (tags.size === 0) throw new ProtocolError('field-invalid', `tag expression ${JSON.stringify(expression)} names no tag`);
  return { ...base, subString: expression, tagsSet: [...tags], codeSet: [...tags].map(javaStringHashCode) };
}

/** Subscription of a condition on properties. Throws `field-invalid` when it is blank; only brokers can read it. */
export function sqlSubscriptionOf(topic: string, expression: string, subVersion: number): SubscriptionData {
  if (expression.trim() === '') throw new ProtocolError('field-invalid', 'the SQL92 expression is empty');
  return {
    ...{ topic, subVersion, expressionType: 'SQL92', classFilterMode: false },
    ...{ subString: expression, tagsSet: [], codeSet: [] },
  };
}

export function subscriptionToJson(subscription: SubscriptionData): JsonObject {
  return {
    classFilterMode: subscription.classFilterMode,
    codeSet: subscription.codeSet,
    expressionType: subscription.expressionType,
    subString: subscription.subString,
    subVersion: subscription.subVersion,
    tagsSet: subscription.tagsSet,
    topic: subscription.topic,
  };
}

export function subscriptionFromJson(reader: JsonReader): SubscriptionData {
  return {
    topic: reader.string('topic'),
    subString: reader.string('subString', SUBSCRIBE_ALL),
    tagsSet: reader.strings('tagsSet'),
    codeSet: reader.integers('codeSet'),
    subVersion: reader.integer('subVersion', 0),
    expressionType: reader.string('expressionType', 'TAG'),
    classFilterMode: reader.boolean('classFilterMode', false),
  };
}
