import { RequestCode } from '../codes/request-codes.ts';
import { header, optional, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('DELETE_TOPIC_IN_NAMESRV request', {
  topic: text(),
  clusterName: optional(text()),
});

export type DeleteTopicInNameServerRequest = ReturnType<typeof requestHeader.decode>;

/** Removes the routes of a topic; with a cluster name only those of its brokers. Succeeds for an unknown topic. */
export const deleteTopicInNameServer = command<DeleteTopicInNameServerRequest, Nothing>(
  RequestCode.DELETE_TOPIC_IN_NAMESRV,
  {
    request: headerOnly(requestHeader),
    response: nothing,
  },
);
