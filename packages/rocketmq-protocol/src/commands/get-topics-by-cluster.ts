import { RequestCode } from '../codes/request-codes.ts';
import { header, text } from '../header/fields.ts';
import { bodyOnly, command, headerOnly } from './command-codec.ts';
import { topicListBody, type TopicListResponse } from './topic-list-body.ts';

const requestHeader = header('GET_TOPICS_BY_CLUSTER request', { cluster: text() });

export type GetTopicsByClusterRequest = ReturnType<typeof requestHeader.decode>;

/** The topics on the brokers of a cluster, from a NameServer. An unknown cluster has none. */
export const getTopicsByCluster = command<GetTopicsByClusterRequest, TopicListResponse>(
  RequestCode.GET_TOPICS_BY_CLUSTER,
  { request: headerOnly(requestHeader), response: bodyOnly(topicListBody) },
);
