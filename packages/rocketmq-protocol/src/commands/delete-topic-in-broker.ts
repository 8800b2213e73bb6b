import { RequestCode } from '../codes/request-codes.ts';
import { header, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('DELETE_TOPIC_IN_BROKER request', {
  topic: text(),
});

export type DeleteTopicInBrokerRequest = ReturnType<typeof requestHeader.decode>;

/** Removes a topic, its messages and its offsets from a broker. Succeeds for an unknown topic. */
export const deleteTopicInBroker = command<DeleteTopicInBrokerRequest, Nothing>(
  RequestCode.DELETE_TOPIC_IN_BROKER,
  {
    request: headerOnly(requestHeader),
    response: nothing,
  },
);
