import { RequestCode } from '../codes/request-codes.ts';
import { queueMapToJson, readQueueMap, type MessageQueue } from '../data/message-queue.ts';
import { header, optional, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_CONSUME_STATS request', { consumerGroup: text(), topic: optional(text()) });

export type GetConsumeStatsRequest = ReturnType<typeof requestHeader.decode>;

export interface QueueConsumeStats {
  queue: MessageQueue;
  /** Offset behind the last message stored. */
  brokerOffset: number;
  /** Offset the group has committed. */
  consumerOffset: number;
  /** Offset up to which the group has pulled. */
  pullOffset: number;
  /** Store time of the last message consumed, milliseconds since 1970; 0 if there is none. */
  lastTimestamp: number;
}

export interface ConsumeStats {
  consumeTps: number;
  queues: QueueConsumeStats[];
}

function encode(stats: ConsumeStats): Buffer {
  return jsonBody({
    consumeTps: stats.consumeTps,
    offsetTable: queueMapToJson(
      stats.queues.map(({ queue, brokerOffset, consumerOffset, lastTimestamp, pullOffset }) => [
        queue,
        { brokerOffset, consumerOffset, lastTimestamp, pullOffset },
      ]),
    ),
  });
}

function decode(body: Buffer): ConsumeStats {
  const document = JsonReader.parse(body, 'ConsumeStats');
  return {
    consumeTps: document.number('consumeTps', 0),
    queues: readQueueMap(document, 'offsetTable', (value, queue) => ({
      queue,
      brokerOffset: value.integer('brokerOffset'),
      consumerOffset: value.integer('consumerOffset'),
      pullOffset: value.integer('pullOffset', 0),
      lastTimestamp: value.integer('lastTimestamp', 0),
    })),
  };
}

/** How far a group has come on one broker. An unknown group gives an empty list. */
export const getConsumeStats = command<GetConsumeStatsRequest, ConsumeStats>(RequestCode.GET_CONSUME_STATS, {
  request: headerOnly(requestHeader),
  response: bodyOnly({ encode, decode }),
});
