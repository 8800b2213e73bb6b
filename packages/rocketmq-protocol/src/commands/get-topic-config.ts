import { RequestCode } from '../codes/request-codes.ts';
import { topicConfigFromJson, topicConfigToJson, type TopicConfig } from '../data/topic-config.ts';
import { boolean, header, optional, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_TOPIC_CONFIG request', { topic: text(), lo: optional(boolean()) });

export type GetTopicConfigRequest = ReturnType<typeof requestHeader.decode>;

/** A topic as one broker has it. Unknown: TOPIC_NOT_EXIST. */
export const getTopicConfig = command<GetTopicConfigRequest, TopicConfig>(RequestCode.GET_TOPIC_CONFIG, {
  request: headerOnly(requestHeader),
  response: bodyOnly({
    encode: (config) => jsonBody(topicConfigToJson(config)),
    decode: (body) => topicConfigFromJson(JsonReader.parse(body, 'TopicConfig')),
  }),
});
