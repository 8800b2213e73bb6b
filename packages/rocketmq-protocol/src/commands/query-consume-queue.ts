import { RequestCode } from '../codes/request-codes.ts';
import {
  subscriptionFromJson,
  subscriptionToJson,
  type SubscriptionData,
} from '../data/subscription-data.ts';
import { EMPTY_BODY } from '../frame/command.ts';
import { header, int32, int64, optional, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('QUERY_CONSUME_QUEUE request', {
  topic: text(),
  queueId: int32(),
  /** Offset of the first entry. */
  index: int64(),
  count: int32(),
  consumerGroup: optional(text()),
});

export type QueryConsumeQueueRequest = ReturnType<typeof requestHeader.decode>;

export interface ConsumeQueueEntry {
  physicalOffset: number;
  sizeBytes: number;
  /** Java's hash of the tag; 0 without one. */
  tagHash: number;
}

export interface QueryConsumeQueueResponse {
  /** As the named group subscribes, when it is online. */
  subscription?: SubscriptionData;
  /** What is said of the group's filter. */
  filterData?: string;
  entries: ConsumeQueueEntry[];
  minOffset: number;
  maxOffset: number;
}

/** Nothing where the index does not reach so far. */
function encode(response: QueryConsumeQueueResponse | undefined): Buffer {
  if (response === undefined) return EMPTY_BODY;
  return jsonBody({
    ...(response.filterData !== undefined && { filterData: response.filterData }),
    maxQueueIndex: response.maxOffset,
    minQueueIndex: response.minOffset,
    queueData: response.entries.map((entry) => ({
      eval: false,
      physicOffset: entry.physicalOffset,
      physicSize: entry.sizeBytes,
      tagsCode: entry.tagHash,
    })),
    ...(response.subscription && { subscriptionData: subscriptionToJson(response.subscription) }),
  });
}

function decode(body: Buffer): QueryConsumeQueueResponse | undefined {
  if (body.length === 0) return undefined;
  const document = JsonReader.parse(body, 'QueryConsumeQueueResponseBody');
  return {
    ...(document.has('subscriptionData') && {
      subscription: subscriptionFromJson(document.object('subscriptionData')),
    }),
    ...(document.has('filterData') && { filterData: document.string('filterData') }),
    entries: document.objects('queueData').map((entry) => ({
      physicalOffset: entry.integer('physicOffset'),
      sizeBytes: entry.integer('physicSize'),
      tagHash: entry.integer('tagsCode'),
    })),
    minOffset: document.integer('minQueueIndex', 0),
    maxOffset: document.integer('maxQueueIndex', 0),
  };
}

/** Part of the index of a queue; `undefined` when it starts behind the end. A queue without messages: SYSTEM_ERROR. */
export const queryConsumeQueue = command<QueryConsumeQueueRequest, QueryConsumeQueueResponse | undefined>(
  RequestCode.QUERY_CONSUME_QUEUE,
  { request: headerOnly(requestHeader), response: bodyOnly({ encode, decode }) },
);
