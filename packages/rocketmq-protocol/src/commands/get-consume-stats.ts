import { RequestCode } from '../codes/request-codes.ts';
import { consumeStatsFromJson, consumeStatsToJson, type ConsumeStats } from '../data/consume-stats.ts';
import { header, optional, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_CONSUME_STATS request', { consumerGroup: text(), topic: optional(text()) });

export type { ConsumeStats, QueueConsumeStats } from '../data/consume-stats.ts';
export type GetConsumeStatsRequest = ReturnType<typeof requestHeader.decode>;

/** How far a group has come on one broker. An unknown group gives an empty list. */
export const getConsumeStats = command<GetConsumeStatsRequest, ConsumeStats>(RequestCode.GET_CONSUME_STATS, {
  request: headerOnly(requestHeader),
  response: bodyOnly({
    encode: (stats) => jsonBody(consumeStatsToJson(stats)),
    decode: (body) => consumeStatsFromJson(JsonReader.parse(body, 'ConsumeStats')),
  }),
});
