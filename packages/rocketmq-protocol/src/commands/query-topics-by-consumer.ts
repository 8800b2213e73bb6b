import { RequestCode } from '../codes/request-codes.ts';
import { header, text } from '../header/fields.ts';
import { bodyOnly, command, headerOnly } from './command-codec.ts';
import { topicListBody, type TopicListResponse } from './topic-list-body.ts';

const requestHeader = header('QUERY_TOPICS_BY_CONSUMER request', { group: text() });

export type QueryTopicsByConsumerRequest = ReturnType<typeof requestHeader.decode>;

/** The topics in which a group has offsets on this broker. */
export const queryTopicsByConsumer = command<QueryTopicsByConsumerRequest, TopicListResponse>(
  RequestCode.QUERY_TOPICS_BY_CONSUMER,
  { request: headerOnly(requestHeader), response: bodyOnly(topicListBody) },
);
