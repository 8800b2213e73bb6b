import { RequestCode } from '../codes/request-codes.ts';
import { decodeTopicRouteData, encodeTopicRouteData, type TopicRouteData } from '../data/route-data.ts';
import { header, text } from '../header/fields.ts';
import { command, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('REGISTER_TOPIC_IN_NAMESRV request', { topic: text() });

export type RegisterTopicInNameServerRequest = ReturnType<typeof requestHeader.decode> & {
  route: TopicRouteData;
};

/** Adds a topic to the routes of brokers that are registered; nothing when one of them is not. */
export const registerTopicInNameServer = command<RegisterTopicInNameServerRequest, Nothing>(
  RequestCode.REGISTER_TOPIC_IN_NAMESRV,
  {
    request: {
      encode: ({ topic, route }) => ({
        extFields: requestHeader.encode({ topic }),
        body: encodeTopicRouteData(route),
      }),
      decode: ({ extFields, body }) => ({
        ...requestHeader.decode(extFields),
        route: decodeTopicRouteData(body),
      }),
    },
    response: nothing,
  },
);
