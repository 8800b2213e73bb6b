import { RequestCode } from '../codes/request-codes.ts';
import { consumeStatsFromJson, consumeStatsToJson, type ConsumeStats } from '../data/consume-stats.ts';
import { boolean, header } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_BROKER_CONSUME_STATS request', {
  /** Only topics that are ordered. */
  isOrder: boolean(),
});

export type GetBrokerConsumeStatsRequest = ReturnType<typeof requestHeader.decode>;

export interface BrokerConsumeStats {
  brokerAddr: string;
  groups: {
    group: string;
    /** One entry a topic. */
    topics: ConsumeStats[];
  }[];
  /** Messages that all groups together have not consumed. */
  totalDiff: number;
  /** Messages that were handed out and not committed. */
  totalInflightDiff: number;
}

function encode(stats: BrokerConsumeStats): Buffer {
  return jsonBody({
    brokerAddr: stats.brokerAddr,
    consumeStatsList: stats.groups.map(({ group, topics }) => ({ [group]: topics.map(consumeStatsToJson) })),
    totalDiff: stats.totalDiff,
    totalInflightDiff: stats.totalInflightDiff,
  });
}

function decode(body: Buffer): BrokerConsumeStats {
  const document = JsonReader.parse(body, 'ConsumeStatsList');
  return {
    brokerAddr: document.string('brokerAddr', ''),
    groups: document
      .objects('consumeStatsList')
      .flatMap((entry) =>
        entry.keys.map((group) => ({ group, topics: entry.objects(group).map(consumeStatsFromJson) })),
      ),
    totalDiff: document.integer('totalDiff', 0),
    totalInflightDiff: document.integer('totalInflightDiff', 0),
  };
}

/** How far all groups are in all topics of one broker; groups without offsets have no topics. */
export const getBrokerConsumeStats = command<GetBrokerConsumeStatsRequest, BrokerConsumeStats>(
  RequestCode.GET_BROKER_CONSUME_STATS,
  { request: headerOnly(requestHeader), response: bodyOnly({ encode, decode }) },
);
