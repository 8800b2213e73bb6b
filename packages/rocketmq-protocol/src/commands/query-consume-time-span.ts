import { RequestCode } from '../codes/request-codes.ts';
import { messageQueueFromJson, messageQueueToJson, type MessageQueue } from '../data/message-queue.ts';
import { header, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('QUERY_CONSUME_TIME_SPAN request', { topic: text(), group: text() });

export type QueryConsumeTimeSpanRequest = ReturnType<typeof requestHeader.decode>;

/** Times are milliseconds since 1970, -1 where there is no message. */
export interface QueueTimeSpan {
  queue: MessageQueue;
  /** When the oldest message was stored. */
  minTimestamp: number;
  /** When the newest message was stored. */
  maxTimestamp: number;
  /** When the last message the group consumed was stored; without one, as `minTimestamp`. */
  consumeTimestamp: number;
  /** Age of the first message the group has not consumed; 0 when it has consumed all. */
  delayMs: number;
}

export interface QueryConsumeTimeSpanResponse {
  queues: QueueTimeSpan[];
}

/** How far behind in time a group is on one broker. Unknown topic: TOPIC_NOT_EXIST. */
export const queryConsumeTimeSpan = command<QueryConsumeTimeSpanRequest, QueryConsumeTimeSpanResponse>(
  RequestCode.QUERY_CONSUME_TIME_SPAN,
  {
    request: headerOnly(requestHeader),
    response: bodyOnly({
      encode: ({ queues }) =>
        jsonBody({
          consumeTimeSpanSet: queues.map((span) => ({
            consumeTimeStamp: span.consumeTimestamp,
            delayTime: span.delayMs,
            maxTimeStamp: span.maxTimestamp,
            messageQueue: messageQueueToJson(span.queue),
            minTimeStamp: span.minTimestamp,
          })),
        }),
      decode: (body) => ({
        queues: JsonReader.parse(body, 'QueryConsumeTimeSpanBody')
          .objects('consumeTimeSpanSet')
          .map((span) => ({
            queue: messageQueueFromJson(span.object('messageQueue')),
            minTimestamp: span.integer('minTimeStamp'),
            maxTimestamp: span.integer('maxTimeStamp'),
            consumeTimestamp: span.integer('consumeTimeStamp'),
            delayMs: span.integer('delayTime', 0),
          })),
      }),
    }),
  },
);
