import { RequestCode } from '../codes/request-codes.ts';
import { bodyOnly, command, nothing, type Nothing } from './command-codec.ts';
import { topicListBody, type TopicListResponse } from './topic-list-body.ts';

/** The topics that bear the names of clusters and brokers; `brokerAddr` is the address of any one broker. */
export const getSystemTopicListFromNameServer = command<Nothing, TopicListResponse>(
  RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS,
  { request: nothing, response: bodyOnly(topicListBody) },
);
