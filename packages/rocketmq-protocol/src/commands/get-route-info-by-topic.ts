import { RequestCode } from '../codes/request-codes.ts';
import { decodeTopicRouteData, encodeTopicRouteData, type TopicRouteData } from '../data/route-data.ts';
import { boolean, header, optional, text } from '../header/fields.ts';
import { bodyOnly, command, headerOnly } from './command-codec.ts';

const requestHeader = header('GET_ROUTEINFO_BY_TOPIC request', {
  topic: text(),
  /** Map keys of the answer must be quoted. Implied by a version from 401 up. */
  acceptStandardJsonOnly: optional(boolean()),
});

export type GetRouteInfoByTopicRequest = ReturnType<typeof requestHeader.decode>;

/** Where a topic lives. Unknown: TOPIC_NOT_EXIST. */
export const getRouteInfoByTopic = command<GetRouteInfoByTopicRequest, TopicRouteData>(
  RequestCode.GET_ROUTEINFO_BY_TOPIC,
  {
    request: headerOnly(requestHeader),
    response: bodyOnly({ encode: encodeTopicRouteData, decode: decodeTopicRouteData }),
  },
);
