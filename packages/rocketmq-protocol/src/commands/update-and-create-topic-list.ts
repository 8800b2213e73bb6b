import { RequestCode } from '../codes/request-codes.ts';
import { topicConfigFromJson, topicConfigToJson, type TopicConfig } from '../data/topic-config.ts';
import { ProtocolError } from '../errors.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

export interface UpdateAndCreateTopicListRequest {
  /** `attributes` holds changes: `+name` with a value sets, `-name` removes. */
  topics: TopicConfig[];
}

/** Creates or changes several topics on a broker; nothing is done when one of the names is not allowed. */
export const updateAndCreateTopicList = command<UpdateAndCreateTopicListRequest, Nothing>(
  RequestCode.UPDATE_AND_CREATE_TOPIC_LIST,
  {
    request: bodyOnly({
      encode: ({ topics }) => jsonBody({ topicConfigList: topics.map(topicConfigToJson) }),
      decode: (body) => {
        const document = JsonReader.parse(body, 'CreateTopicListRequestBody');
        // An absent list is a mistake, not an empty one.
        if (!document.has('topicConfigList'))
          throw new ProtocolError('body-malformed', 'CreateTopicListRequestBody: topicConfigList is missing');
        return { topics: document.objects('topicConfigList').map(topicConfigFromJson) };
      },
    }),
    response: nothing,
  },
);
