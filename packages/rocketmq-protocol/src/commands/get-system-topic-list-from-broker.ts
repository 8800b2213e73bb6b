import { RequestCode } from '../codes/request-codes.ts';
import { bodyOnly, command, nothing, type Nothing } from './command-codec.ts';
import { topicListBody, type TopicListResponse } from './topic-list-body.ts';

/** The topics a broker keeps for itself. */
export const getSystemTopicListFromBroker = command<Nothing, TopicListResponse>(
  RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
  { request: nothing, response: bodyOnly(topicListBody) },
);
