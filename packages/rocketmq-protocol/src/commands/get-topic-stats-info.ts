import { RequestCode } from '../codes/request-codes.ts';
import { queueMapToJson, readQueueMap, type MessageQueue } from '../data/message-queue.ts';
import { header, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_TOPIC_STATS_INFO request', { topic: text() });

export type GetTopicStatsInfoRequest = ReturnType<typeof requestHeader.decode>;

export interface QueueStats {
  queue: MessageQueue;
  minOffset: number;
  maxOffset: number;
  /** Milliseconds since 1970, 0 when the queue is empty. */
  lastUpdateTimestamp: number;
}

export interface TopicStats {
  queues: QueueStats[];
}

function encode(stats: TopicStats): Buffer {
  return jsonBody({
    offsetTable: queueMapToJson(
      stats.queues.map(({ queue, lastUpdateTimestamp, maxOffset, minOffset }) => [
        queue,
        { lastUpdateTimestamp, maxOffset, minOffset },
      ]),
    ),
  });
}

function decode(body: Buffer): TopicStats {
  const document = JsonReader.parse(body, 'TopicStatsTable');
  return {
    queues: readQueueMap(document, 'offsetTable', (value, queue) => ({
      queue,
      minOffset: value.integer('minOffset'),
      maxOffset: value.integer('maxOffset'),
      lastUpdateTimestamp: value.integer('lastUpdateTimestamp', 0),
    })),
  };
}

/** Offsets of every queue of a topic on one broker. Unknown: TOPIC_NOT_EXIST. */
export const getTopicStatsInfo = command<GetTopicStatsInfoRequest, TopicStats>(
  RequestCode.GET_TOPIC_STATS_INFO,
  {
    request: headerOnly(requestHeader),
    response: bodyOnly({ encode, decode }),
  },
);
