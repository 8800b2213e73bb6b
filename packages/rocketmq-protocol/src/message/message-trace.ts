/** Topic of message traces where none is named. */
export const TRACE_TOPIC = 'RMQ_SYS_TRACE_TOPIC';

/** What Java writes for nothing. Its reader drops empty fields at the end and then misses one. */
const NOTHING = 'null';

const CONTENT = '\u0001';
const RECORD = '\u0002';

/** A message was stored. */
export interface PublishTrace {
  type: 'Pub';
  timestamp: number;
  regionId: string;
  group: string;
  topic: string;
  messageId: string;
  tag: string;
  keys: string;
  /** Address of the broker, `host:port`. */
  storeHost: string;
  bodyBytes: number;
  costMs: number;
  messageType: TraceMessageType;
  offsetMessageId: string;
  success: boolean;
}

/** A message is given to a handler. */
export interface ConsumeTrace {
  type: 'SubBefore';
  timestamp: number;
  regionId: string;
  group: string;
  /** Joins it with the record of the end. */
  requestId: string;
  messageId: string;
  reconsumeTimes: number;
  keys: string;
}

/** The handler has ended. */
export interface ConsumedTrace {
  type: 'SubAfter';
  requestId: string;
  messageId: string;
  costMs: number;
  success: boolean;
  keys: string;
  result: TraceConsumeResult;
  timestamp: number;
  group: string;
}

export type MessageTrace = PublishTrace | ConsumeTrace | ConsumedTrace;

const MESSAGE_TYPES = ['normal', 'half', 'commit', 'delay', 'order'] as const;
export type TraceMessageType = (typeof MESSAGE_TYPES)[number];

const CONSUME_RESULTS = ['success', 'timeout', 'exception', 'null', 'failed'] as const;
export type TraceConsumeResult = (typeof CONSUME_RESULTS)[number];

/** One record of a trace message's body, as RocketMQ's tools read it; records follow each other without a gap. */
export function encodeMessageTrace(trace: MessageTrace): string {
  return fieldsOf(trace).join(CONTENT) + RECORD;
}

function fieldsOf(trace: MessageTrace): (string | number | boolean)[] {
  switch (trace.type) {
    case 'Pub':
      return [
        ...[trace.type, trace.timestamp, trace.regionId, trace.group, trace.topic, trace.messageId],
        ...[trace.tag || NOTHING, trace.keys || NOTHING, trace.storeHost, trace.bodyBytes, trace.costMs],
        ...[MESSAGE_TYPES.indexOf(trace.messageType), trace.offsetMessageId, trace.success],
      ];
    case 'SubBefore':
      return [
        ...[trace.type, trace.timestamp, trace.regionId, trace.group, trace.requestId],
        ...[trace.messageId, trace.reconsumeTimes, trace.keys || NOTHING],
      ];
    case 'SubAfter':
      return [
        ...[trace.type, trace.requestId, trace.messageId, trace.costMs, trace.success, trace.keys || NOTHING],
        ...[CONSUME_RESULTS.indexOf(trace.result), trace.timestamp, trace.group],
      ];
  }
}
