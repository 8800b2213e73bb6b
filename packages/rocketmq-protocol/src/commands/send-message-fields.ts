import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';

const descriptions = {
  producerGroup: text('a'),
  topic: text('b'),
  /** Template for a topic the broker creates by itself, normally TBW102. */
  defaultTopic: text('c'),
  defaultTopicQueueNums: int32('d'),
  /** -1: the broker chooses. */
  queueId: int32('e'),
  sysFlag: int32('f'),
  bornTimestamp: int64('g'),
  flag: int32('h'),
  /** Encoded properties. */
  properties: optional(text('i')),
  reconsumeTimes: optional(int32('j')),
  unitMode: optional(boolean('k')),
  maxReconsumeTimes: optional(int32('l')),
  batch: optional(boolean('m')),
  brokerName: optional(text('n')),
};

/** Header with one-letter names, of SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE. */
export const shortRequestHeader = header('SEND_MESSAGE_V2 request', descriptions);

/** The same header with full names, of SEND_MESSAGE. */
export const longRequestHeader = header('SEND_MESSAGE request', {
  producerGroup: text(),
  topic: text(),
  defaultTopic: text(),
  defaultTopicQueueNums: int32(),
  queueId: int32(),
  sysFlag: int32(),
  bornTimestamp: int64(),
  flag: int32(),
  properties: optional(text()),
  reconsumeTimes: optional(int32()),
  unitMode: optional(boolean()),
  maxReconsumeTimes: optional(int32()),
  batch: optional(boolean()),
  brokerName: optional(text('bname')),
});

export const responseHeader = header('SEND_MESSAGE response', {
  /** Offset message id; of a batch one a message, separated by commas. */
  msgId: text(),
  queueId: int32(),
  /** Of a batch: that of the first message, the others follow without a gap. */
  queueOffset: int64(),
  transactionId: optional(text()),
  batchUniqId: optional(text()),
  MSG_REGION: optional(text()),
  TRACE_ON: optional(text()),
});

export type SendMessageRequestHeader = ReturnType<typeof shortRequestHeader.decode>;
export type SendMessageRequest = SendMessageRequestHeader & { body: Buffer };
export type SendMessageResponse = ReturnType<typeof responseHeader.decode>;
